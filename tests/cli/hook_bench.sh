#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hook_bench.sh SPAWN FLOOR EMPTY [RUNS]: what the hook costs as a whole process. Beside it, the least that asks anything of
# the bus (FLOOR) and the least that does anything at all (EMPTY). XSAVESD_BUILD names the build folder.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

spawn=$1 floor=$2 empty=$3 runs=${4:-500}
hook=$build/hooks/hook-in-tree
export DBUS_SYSTEM_BUS_ADDRESS=$bus_address

mkdir "$base/etc"
facts no >"$base/masked.facts"
{
    printf '[policy]\nvirt-types = test\n'
    for ((i = 0; i < 10; i++)); do
        printf '[guest rule-%d]\nname = vm-%d-*\nxsaves = deny\n' "$i" "$i"
    done
} >"$base/etc/policy.ini"
{
    domain guest "" | sed '$d'
    echo "  <devices>"
    for ((i = 0; i < 80; i++)); do
        printf '    <disk type="file" device="disk"><source file="/var/lib/libvirt/images/%d.qcow2"/><target dev="vd%d" bus="virtio"/></disk>\n' "$i" "$i"
    done
    printf '  </devices>\n</domain>\n'
} >"$base/guest.xml"

bus_up
libvirt_up
daemon_up "$base/masked.facts"
"$hook" guest prepare begin - <"$base/guest.xml" || bail "the hook refuses"

# compare TEXT LIMIT COMMAND…: the ratio of the CPU time is judged, as it depends less on what else runs.
compare() {
    local text=$1 limit=$2 result

    shift 2
    result=$("$spawn" "$runs" "$base/guest.xml" "$@") || bail "$result"
    note "$text: ${result//$'\n'/; }"
    # shellcheck disable=SC2016
    ok "$text: at most $limit" awk -v limit="$limit" '/^CPU/ { exit !($NF <= limit) }' <<<"$result"
}
note "a domain of $(wc -c <"$base/guest.xml") bytes, 10 rules, $runs runs: hook, reference, ratio"
compare "prepare, beside one call of the bus" 1.3 "$hook" guest prepare begin - -- "$floor"
compare "stopped, beside an empty program" 1.3 "$build/hooks/xsavesd" guest stopped end - -- "$empty"
