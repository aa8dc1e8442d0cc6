#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hook.sh TURNS FLOOR EMPTY [RUNS]: the hook as a whole process, over a domain of 10 KB and a policy of 10 rules: beside a
# program that makes one call to the bus (FLOOR), beside an empty one (EMPTY), and beside hooks in Python and in shell.
# Medians of RUNS runs each (1,000; of the slow ones a tenth), taken in turns. XSAVESD_BUILD names the build folder.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

turns=$1 floor=$2 empty=$3 runs=${4:-1000}
domain="$here/../data/bench/win2016.xml"
hook="$build/hooks/hook-in-tree"
judged=(win2016-a prepare begin -)
not_judged=(win2016-a stopped end -)

mkdir "$base/etc"
facts no >"$base/masked.facts"
{
    printf '[policy]\nvirt-types = kvm qemu\n'
    for ((i = 0; i < 10; i++)); do
        printf '[guest rule-%d]\nname = vm-%d-*\nxsaves = deny\n' "$i" "$i"
    done
} >"$base/etc/policy.ini"
bus_up
libvirt_up
daemon_up "$base/masked.facts"
export DBUS_SYSTEM_BUS_ADDRESS=$bus_address

# compare WHAT BESIDE TARGET RUNS COMMAND… --- COMMAND…
compare() {
    local what=$1 beside=$2 target=$3 times a b

    times=$("$turns" "$4" "$domain" "${@:5}")
    ok "$what, beside $beside" test -n "$times"
    { read -r a _ && read -r b _; } <<<"$times"
    note "$(awk -v a="$a" -v b="$b" -v target="$target" \
        'BEGIN { printf "%8.0f us beside %8.0f us: ratio %.2f%s", a, b, a / b, target ? " (target " target ")" : "" }')"
}

compare "prepare begin" "one call to the bus" 1.3 "$runs" "$hook" "${judged[@]}" --- "$floor"
compare "an operation that is not judged" "an empty program" 1.3 "$runs" "$hook" "${not_judged[@]}" --- "$empty"
compare "Python and minidom" "our prepare begin" "" $((runs / 10)) \
    "$here/../bench/hook-minidom.py" "${judged[@]}" --- "$hook" "${judged[@]}"
if command -v xmlstarlet >/dev/null; then
    compare "shell and xmlstarlet" "our prepare begin" "" $((runs / 10)) \
        "$here/../bench/hook-xmlstarlet.sh" "${judged[@]}" --- "$hook" "${judged[@]}"
fi
