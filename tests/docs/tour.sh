#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# README.md's tour, taken: each of its commands prints what README.md shows. With XSAVESD_UPDATE=1, README.md is written
# instead: read the difference before it is committed.

set -u

# shellcheck source=../cli/rome.sh
. "$(dirname "$0")/../cli/rome.sh"

# "    $ COMMAND" and the lines of its output, which are indented as well or empty, up to the next line that is neither.
commands() { sed -n '/^## A tour/,/^## /s/^    \$ //p' "$rome_root/README.md"; }
shown() {
    awk -v command="    \$ $1" '
        $0 == command { inside = 1; next }
        inside && (/^[^ ]/ || /^    \$ /) { exit }
        inside { sub(/^    /, ""); print }
    ' "$rome_root/README.md"
}
# The shell drops the empty lines at the end.
steady() { sed -E 's/^(xsavesd +version )[0-9.]+/\1VERSION/; s/pc-i440fx-[0-9.]+/pc-i440fx-VERSION/'; }

write_shown() {
    printf '%s\n' "$2" >"$work/output"
    awk -v command="    \$ $1" -v output="$work/output" '
        skipping && (/^[^ ]/ || /^    \$ /) { skipping = 0; print "" }
        skipping { next }
        { print }
        $0 == command {
            skipping = 1
            while ((getline line <output) > 0)
                print line == "" ? "" : "    " line
        }
    ' "$rome_root/README.md" >"$work/README.md" && cat "$work/README.md" >"$rome_root/README.md"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-tour.XXXXXX") || exit 1
end() {
    rm -rf "$work"
    rome_end
}
rome_up
trap end EXIT
rome_policy
rome_files

mapfile -t tour < <(commands)
same "it has ten commands" 10 "${#tour[@]}"
for command in "${tour[@]}"; do
    said=$(in_tour "$command")
    [[ -z ${XSAVESD_UPDATE:-} ]] || write_shown "$command" "$said"
    same "$command" "$(shown "$command" | steady)" "$(steady <<<"$said")"
done
