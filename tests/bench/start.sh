#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# start.sh [ROUNDS]: `virsh start` of a real guest on three hosts that are alike but for their hooks: none, xsavesd's, and one in
# Python. Medians of ROUNDS starts each (30), taken in turns. XSAVESD_BUILD names a build folder that is configured with
# --prefix=/usr --sysconfdir=/etc --libexecdir=libexec. Needs root.

# shellcheck source=../e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"

rounds=${1:-30}
hosts=(none rome python)
declare -A times=()

((EUID == 0)) || { echo "1..0 # SKIP needs root" && exit 77; }

sandbox_up none || bail "no sandbox"
sandbox_libvirt_up none || bail "no libvirt"
host_up
policy_grant
daemon_up
sandbox_up python || bail "no sandbox"
sandbox_in python sh -c 'mkdir -p /etc/libvirt/hooks && cat >/etc/libvirt/hooks/qemu && chmod 755 /etc/libvirt/hooks/qemu' \
    <"$(dirname "$0")/hook-minidom.py"
sandbox_libvirt_up python || bail "no libvirt"

for host in "${hosts[@]}"; do define plain; done

# In microseconds.
time_start() {
    local began=$EPOCHREALTIME ended

    virsh -q -c "$(sandbox_uri "$host")" start plain || return 1
    ended=$EPOCHREALTIME
    times[$host]+="$((${ended/./} - ${began/./})) "
}
destroy() { virsh -q -c "$(sandbox_uri "$host")" destroy plain; }

failed=0
for ((round = 0; round <= rounds; round++)); do
    # The first fills caches.
    ((round != 1)) || times=()
    for host in "${hosts[@]}"; do
        time_start && destroy || failed=$((failed + 1))
    done
done
same "every start succeeded" 0 "$failed"

median() { tr ' ' '\n' <<<"${times[$1]}" | sort -n | awk 'NF { t[++n] = $1 } END { print t[int((n + 1) / 2)] }'; }
none=$(median none)
for host in "${hosts[@]}"; do
    note "$(awk -v host="$host" -v a="$(median "$host")" -v b="$none" 'BEGIN {
        what["none"] = "no hook"; what["rome"] = "xsavesd"; what["python"] = "a hook in Python"
        printf "%-18s %7.1f ms, %5.1f ms more than without: ratio %.3f", what[host], a / 1e3, (a - b) / 1e3, a / b }')"
done
host=rome
