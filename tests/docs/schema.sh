#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The JSON schema tells what xsavesctl prints: every output with --json that the tests of xsavesctl compare whole, from files and
# from a daemon with real guests, is as it says. XSAVESCTL names the command.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

root=$(cd "$here/../.." && pwd)
schema=$root/docs/xsavesctl.schema.json
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-schema.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# Debian's, which has the module that tests/packages.txt names.
PATH=/usr/bin:$PATH
python3 -c 'import jsonschema' 2>/dev/null || { echo "1..0 # SKIP this machine has no python3-jsonschema"; exit 0; }
[[ -x ${XSAVESCTL:-} ]] || bail "XSAVESCTL does not name the command"

fits() { said=$(python3 "$here/schema.py" "$schema" "$@" 2>&1); }

# --- the outputs ---
mapfile -t files < <(grep -rlE '^\$ xsavesctl .*--json|^\{"event"' "$root/tests/cli/data/expected" | sort)
ok "there are outputs" test "${#files[@]}" -ge 40
for file in "${files[@]}"; do
    ok "${file#"$root/tests/cli/data/expected/"} is as the schema says" fits "$file"
done

# --- the schema ---
sorted() { sort | tr '\n' ' '; }
in_schema() { python3 -c "import json, sys; print('\n'.join($1))" <"$schema" | sorted; }
same "it has every reason" \
    "$(tr -d '\n' <"$root/daemon/core/reason.c" | grep -oE '\[REASON_[A-Z_]+\] = *\{"[a-z-]+"' | sed -E 's/.*"(.*)"/\1/' | sorted)" \
    "$(in_schema "json.load(sys.stdin)['\$defs']['reason']['enum']")"
verbs=$("$XSAVESCTL" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
with_json() {
    local verb

    for verb in $verbs; do
        "$XSAVESCTL" "$verb" --help | grep -q '^  --json ' && echo "$verb"
    done | sorted
}
tested() {
    local file

    for file in "${files[@]}"; do
        sed -nE '1s/^\$ xsavesctl ([a-z]+) .*/\1/p; 1s/^\{"event".*/monitor/p' "$file"
    done | sort -u | sorted
}
same "it has every command with --json" "$(with_json)" \
    "$(in_schema "set(json.load(sys.stdin)['\$defs']) & set('$(tr '\n' ' ' <<<"$verbs")'.split())")"
same "each is among the outputs" "$(with_json)" "$(tested)"

# --- this test ---
broken() {
    sed "$1" "$root/tests/cli/data/expected/list-json" >"$work/list"
    not fits "$work/list"
}
ok "a key that it does not have is seen" broken '0,/"uuid"/s//"uid"/'
ok "a value of another type is seen" broken '0,/"needs-restart": false/s//"needs-restart": "no"/'
ok "a word that it does not have is seen" broken '0,/"verdict": "[a-z]*"/s//"verdict": "perhaps"/'

tap_end
