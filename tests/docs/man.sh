#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The man pages render without a warning, and what the code has is in them: each list below is taken from the code, so that
# something added there and not described fails. XSAVESCTL names a command that examples of policies and facts are checked with.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-man.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

for tool in man scdoc; do
    command -v "$tool" >/dev/null || { echo "1..0 # SKIP this machine has no $tool"; exit 0; }
done

# Rendered, each paragraph on one line and no word parted.
render() { LC_ALL=C.UTF-8 MANWIDTH=9999 man --nh --nj --warnings -l "$1" 2>"$work/warnings" | sed 's/‐/-/g; s/^ *//'; }

renders() {
    scdoc <"$root/docs/man/$1.scd" >"$work/$1" || return
    render "$work/$1" >"$work/$1.txt"
    LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$work/$1" 2>>"$work/warnings" >/dev/null
    said=$(<"$work/warnings")
    [[ -s $work/$1.txt && ! -s $work/warnings ]]
}

for file in "$root"/docs/man/*.scd; do
    page=$(basename "$file" .scd)
    ok "$page renders without a warning" renders "$page"
    # scdoc does not write the line that makes every man run tbl first; man 2.13, and lintian with it, warns of the table.
    ok "$page has no table" not grep -q '^\.TS' "$work/$page"
done

# page_has PAGE WORD: as a word of its own.
page_has() { grep -qE "(^|[^a-zA-Z0-9_-])$2($|[^a-zA-Z0-9_-])" "$work/$1.txt"; }

# describes PAGE LEAST WHAT: each word of standard input is in the page, and there are not fewer of them than when this
# was written. A list that finds nothing any more has lost its place in the code.
describes() {
    local page=$1 least=$2 what=$3 word count=0 missing=()

    while read -r word; do
        count=$((count + 1))
        page_has "$page" "$word" || missing+=("$word")
    done < <(sort -u)
    said="of $count, missing: ${missing[*]}"
    ok "$page has every $what" test "${#missing[@]}" -eq 0 -a "$count" -ge "$least"
}

code() { cat "${@/#/$root/}"; }

describes xsavesd-policy.ini.5 18 "reason" < <(
    code daemon/core/reason.c | tr -d '\n' | grep -oE '\[REASON_[A-Z_]+\] = *\{"[a-z-]+"' | sed -E 's/.*"(.*)"/\1/'
)
same "there is a reason for each of the enum" \
    "$(code daemon/core/decision.h | grep -cE '^ +REASON_[A-Z_]+,$')" \
    "$(code daemon/core/reason.c | tr -d '\n' | grep -oE '\[REASON_[A-Z_]+\] = *\{"[a-z-]+"' | wc -l)"
describes xsavesd-policy.ini.5 12 "key of the policy" < <(
    code daemon/core/policy/policy_parse.c | sed -nE 's/^ +\{"([a-z0-9-]+)", policy_read_.*/\1/p'
)
describes xsavesd-policy.ini.5 9 "word of the policy" < <(
    code daemon/core/policy/policy_words.c | grep -oE '\] = "[a-z-]+"' | sed -E 's/.*"(.*)"/\1/'
)
describes xsavesd-policy.ini.5 3 "erratum status" < <(
    code daemon/core/erratum.c | sed -nE 's/.*\[ERRATUM_[A-Z]+\] = "([a-z]+)".*/\1/p'
)
describes xsavesd-policy.ini.5 14 "key of a facts file" < <(
    code daemon/core/host_key.c | sed -nE 's/^ +\{"([a-z-]+)", &[a-z]+_kind.*/\1/p'
)
describes xsavesd.8 6 "option of the daemon" < <(code daemon/main.c | sed -nE 's/^ +\{"([a-z]+)", (required|no)_argument.*/--\1/p')
describes xsavesd.8 5 "message ID" < <(code daemon/log.h | sed -nE 's/#define LOG_ID_.*"([0-9a-f]{32})".*/\1/p')
describes xsavesd.8 7 "field of the journal" < <(
    cat "$root"/daemon/*.c | grep -oE '"XSAVESD_[A-Z_]+"' | tr -d '"' | grep -v XSAVESD_VERSION
)
describes org.xsavesd1.5 17 "member of the bus interface" < <(
    code daemon/bus_interface.c | tr -d '\n' | grep -oE 'SD_BUS_(METHOD|PROPERTY|SIGNAL)(_WITH_ARGS)?\( *"[A-Za-z]+"' |
        sed -E 's/.*"(.*)"/\1/'
)
describes org.xsavesd1.5 4 "error of the bus interface" < <(
    code daemon/bus_interface.c | sed -nE 's/#define ERROR_.*"(.*)".*/\1/p'
)
describes org.xsavesd1.5 25 "key of the bus interface" < <(
    code daemon/bus_encode.c | tr -d '\n' | grep -oE 'append_(string|boolean|strv)\(m, *"[a-z-]+"|"[a-z-]+", *"(u|t|s)",' |
        grep -oE '"[a-z-]{2,}"' | tr -d '"'
)
describes org.xsavesd1.5 4 "state of a definition" < <(
    code daemon/virt.c | sed -nE 's/.*\[DEFINITION_[A-Z]+\] = "([a-z]+)".*/\1/p'
)
describes xsavesd-hook.8 5 "operation that is judged" < <(
    code daemon/core/gate.c | grep -oE '\[GATE_[A-Z]+\] = "[a-z]+"' | sed -E 's/.*"(.*)"/\1/'
)

describes xsavesctl.1 13 "command" < <(
    code cli/main.c | sed -nE 's/^ +\{"([a-z]+)", "[^"]*",.*/\1/p'
)
describes xsavesctl.1 12 "option of xsavesctl" < <(
    code cli/options.c | sed -nE 's/^ +\[OPTION_[A-Z_]+\] = \{"([a-z-]+)",.*/--\1/p'
)
describes xsavesctl.1 55 "key that xsavesctl prints" < <(
    cat "$root"/tests/cli/data/expected/{,rome/}*json | sed -E 's/"(xml|before|after)": ".*/"\1":/' | grep -oE '"[a-z-]+[a-z0-9-]*":' |
        tr -d '":' | grep -vxF "$(code daemon/core/host_key.c | sed -nE 's/^ +\{"([a-z-]+)", &[a-z]+_kind.*/\1/p')"
)
describes xsavesctl.1 13 "metric" < <(code cli/metrics.c | grep -oE '"xsavesd_[a-z0-9_]+"' | tr -d '"')

catalog_has() { grep -qx -- "-- $1" "$root/systemd/xsavesd.catalog"; }
while read -r id; do
    ok "the journal catalog explains $id" catalog_has "$id"
done < <(code daemon/log.h | sed -nE 's/#define LOG_ID_.*"([0-9a-f]{32})".*/\1/p')

[[ -x ${XSAVESCTL:-} ]] || bail "XSAVESCTL does not name the command"

# Blocks of policy and facts in the page, and the policies in README.md, each to a file.
awk -v folder="$work" '
    /^```/ { inside = !inside; if (inside) file = folder "/example-" ++n ".ini"; next }
    inside { print >file }
' "$root/docs/man/xsavesd-policy.ini.5.scd"
awk -v folder="$work" '
    /^    \[/ && !inside { inside = 1; file = folder "/example-readme-" ++n ".ini" }
    /^[^ ]/ { inside = 0 }
    inside { sub(/^    /, ""); print >file }
' "$root/README.md"
are_facts() { said=$("$XSAVESCTL" host --json --host "$1" 2>&1); }
is_policy() { said=$("$XSAVESCTL" check --no-legend "$1" 2>&1); }
examples=0
for file in "$work"/example-*.ini; do
    name=$(basename "$file" .ini)
    grep -q '^\[' "$file" || continue
    examples=$((examples + 1))
    if grep -q '^vendor' "$file"; then
        ok "$name is a facts file" are_facts "$file"
    else
        ok "$name is a policy" is_policy "$file"
    fi
done
ok "there are examples" test "$examples" -ge 8

tap_end
