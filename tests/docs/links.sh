#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What README.md and docs/*.md link to or name exists: files, tests, suites and cases of tests/run.sh.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

root=$(cd "$here/../.." && pwd)
cd "$root" || exit 1

links() { grep -oE '\]\([^)]+\)' "$1" | sed 's/^](//; s/)$//; s/#.*//' | grep -vE '^(https?:|$)'; }
# shellcheck disable=SC2016 # those are Markdown's
named() { grep -oE '`(docs|tests|conf|systemd|cli|hooks|daemon|debian)/[a-zA-Z0-9_./-]*`' "$1" | tr -d '`'; }

for file in README.md docs/*.md; do
    folder=$(dirname "$file")
    missing=()
    while read -r target; do
        [[ -e $folder/$target ]] || missing+=("$target")
    done < <(links "$file")
    while read -r target; do
        [[ -e $target ]] || missing+=("$target")
    done < <(named "$file")
    said="missing: ${missing[*]}"
    ok "$file names what there is" test "${#missing[@]}" -eq 0
done
ok "there are links" test "$(links README.md | wc -l)" -ge 7

tap_end
