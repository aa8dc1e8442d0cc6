#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# seeds.sh FOLDER: makes FOLDER/TARGET/ with inputs for each fuzz target, of tests/data and, where XSAVESD_CORPUS names one, of
# the corpus; and of what broke something before.

set -eu
out=${1:?usage: seeds.sh FOLDER}
data=$(cd "$(dirname "$0")/../data" && pwd)

# seed TARGET FILE [PREFIX]: PREFIX is a format of printf(1), for the bytes that a target wants before the text.
seed() {
    local name
    name=$(sha1sum <<<"$2" | cut -c1-16)

    # shellcheck disable=SC2059
    { printf "${3:-}"; cat "$2"; } >"$out/$1/$name"
}

mkdir -p "$out"/{policy,facts,domain,definition,gate}
find "$data" -name '*.ini' -size -64k | while read -r file; do seed policy "$file"; done
find "$data" -name '*.facts' -path '*/hosts/*' | while read -r file; do seed facts "$file"; done
n=0
find "$data" ${XSAVESD_CORPUS:+"$XSAVESD_CORPUS/domains"} -name '*.xml' -size -32k ! -path '*/fuzz/*' | sort |
    while read -r file; do
        byte=$(printf '\\x%02x' $((n * 37 % 256)))
        seed domain "$file" "$byte"
        seed gate "$file" "$byte$(printf '\\x%02x' $((n % 12)))"
        n=$((n + 1))
    done
# Definitions are put together by number: a start of each piece and container, and the fuzzer does the rest.
for ((i = 0; i < 80; i++)); do
    # shellcheck disable=SC2059
    printf "$(printf '\\x%02x\\x00\\x39\\x%02x\\xff' $((i * 3)) "$i")" >"$out/definition/$i"
done
for target in policy facts domain definition gate; do
    [ ! -d "$data/fuzz/$target" ] || find "$data/fuzz/$target" -type f -exec cp -t "$out/$target" {} +
done
