#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# daemon.sh HOLDER BENCH-GATE [CALLS]: what the daemon costs where nobody asks it anything, and whether it grows. HOLDER is a
# program that holds a connection to libvirt and to the bus, and nothing else. CALLS to the gate (a million) are made to
# see growth. XSAVESD_BUILD names the build folder.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

holder=$1 bench_gate=$2 calls=${3:-1000000}
slow=${XSAVESD_TEST_SLOWDOWN:-1}
daemon=("$build/daemon/xsavesd" --bus "$bus_address" --policy "$base/etc" --host "$base/masked.facts" --connect "$libvirt_uri")

# rules N
rules() {
    printf '[policy]\nvirt-types = test\n'
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "[guest rule-%d]\nname = vm-%d-*\nxsaves = deny\n", i, i }'
}

# What is its own: pages that it shares with others are shared out.
memory() { awk '/^Pss:/ { print $2 }' "/proc/${process[$1]}/smaps_rollup"; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }'; }

# Of all its threads.
wake_ups() { cat "/proc/${process[xsavesd]}"/task/*/status | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'; }

# idle SECONDS: how often it woke up.
idle() {
    local before

    sleep 3
    before=$(wake_ups)
    sleep "$1"
    echo $(($(wake_ups) - before))
}

mkdir "$base/etc"
facts no >"$base/masked.facts"
rules 10 >"$base/etc/policy.ini"
bus_up
libvirt_up

read -r median least most <<<"$("$here/../bench/ready.py" 20 "${daemon[@]}")"
note "ready after $median ms (20 runs: $least to $most)"
ok "ready within 50 ms of exec" at_most "$median" $((50 * slow))

# In process, libvirt has no connection to keep alive.
start xsavesd "${daemon[@]}" --connect test:///default
wait_for 15 daemon_ready || bail "the daemon is not ready"
same "idle without wake-ups" 0 "$(idle 10)"
stop xsavesd

daemon_up "$base/masked.facts"
start holder "$holder" "$libvirt_uri" "$bus_address"
wait_for 20 grep -q ready "$base/holder.log" || bail "no holder"
sleep 2
ours=$(memory xsavesd) theirs=$(memory holder)
note "memory: $ours KiB; a program that holds both connections: $theirs KiB; ratio $(awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')"
ok "at most 1.5 times the memory of a program that holds both connections" test $((ours * 2)) -le $((theirs * 3))
stop holder

note "wake-ups in 20 s of idling: $(idle 20), for libvirt's keepalive"

"$bench_gate" "$bus_address" 2000 "$here/../data/bench/win2016.xml" >/dev/null
before=$(memory xsavesd)
while read -r line; do note "$line"; done < <("$bench_gate" "$bus_address" "$calls" "$here/../data/bench/win2016.xml")
after=$(memory xsavesd)
note "memory: $before KiB before $calls calls, $after KiB after"
ok "no growth over $calls calls" test "$after" -le $((before + 256))

mkdir "$base/many"
for ((i = 0; i < 10000; i++)); do
    domain "guest-$i" "" >"$base/many/$i.xml"
    echo "define $base/many/$i.xml"
done >"$base/commands"
virsh -q -c "$libvirt_uri" <"$base/commands" >/dev/null || bail "no domains"
rules 10000 >"$base/etc/policy.ini"
wait_for $((60 * slow)) property_has PolicyGeneration "t 2" || bail "the policy was not taken"
wait_for $((60 * slow)) manager Converge bas false 0 >/dev/null || bail "no convergence"
note "memory with 10,000 rules and 10,000 domains: $(memory xsavesd) KiB"
ok "10,000 rules and 10,000 domains within 64 MiB" test "$(memory xsavesd)" -le 65536
