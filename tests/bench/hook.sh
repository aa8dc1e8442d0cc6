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

# compare WHAT BESIDE LIMIT RUNS COMMAND… --- COMMAND…: the ratio of the CPU times is judged, which depends less on what else
# the machine does.
compare() {
    local what=$1 beside=$2 limit=$3 times a b cpu_a cpu_b

    times=$("$turns" "$4" "$domain" "${@:5}") || bail "$what"
    { read -r a cpu_a && read -r b cpu_b; } <<<"$times"
    note "$(awk -v a="$a" -v b="$b" -v cpu_a="$cpu_a" -v cpu_b="$cpu_b" 'BEGIN {
        printf "%d us beside %d us: ratio %.2f; CPU time %d us beside %d us: ratio %.2f", a, b, a / b, cpu_a, cpu_b, cpu_a / cpu_b }')"
    ok "$what, beside $beside${limit:+: at most $limit}" awk "BEGIN { exit !(!\"$limit\" || $cpu_a <= $cpu_b * ${limit:-0}) }"
}

compare "prepare begin" "one call to the bus" 1.3 "$runs" "$hook" "${judged[@]}" --- "$floor"
compare "an operation that is not judged" "an empty program" 1.3 "$runs" "$hook" "${not_judged[@]}" --- "$empty"
compare "Python and minidom" "our prepare begin" "" $((runs / 10)) \
    "$here/../bench/hook-minidom.py" "${judged[@]}" --- "$hook" "${judged[@]}"
if command -v xmlstarlet >/dev/null; then
    compare "shell and xmlstarlet" "our prepare begin" "" $((runs / 10)) \
        "$here/../bench/hook-xmlstarlet.sh" "${judged[@]}" --- "$hook" "${judged[@]}"
fi
