#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Strangers' calls that wait for a polkit that says nothing: what they hold of the daemon is little, and is let go when they go.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The address sanitizer would keep what was freed, up to 256 MiB of it.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"
limit=org.freedesktop.DBus.Error.LimitsExceeded
# sd-bus calls realloc() for each piece of a message that it reads, and under the sanitizer each of these is a copy.
mib=12
((${XSAVESD_TEST_SLOWDOWN:-1} == 1)) || mib=1

# NAME CONNECTIONS CALLS BYTES [USER]
hold() {
    : >"$base/$1.log"
    start "$1" "$client" hold "${5:-$stranger}" "$2" "$3" "$4"
    wait_for 60 grep -qx sent "$base/$1.log" || bail "$1 cannot call"
}
refused() { grep -cx "$limit" "$base/$1.log"; }
refused_are() { (($(refused "$1") == $2)); }
asked() { grep -cx CheckAuthorization "$base/polkit.log"; }
cancelled() { grep -cx CancelCheckAuthorization "$base/polkit.log"; }
asked_are() { (($(asked) == $1)); }
all_are_cancelled() { (($(asked) == $(cancelled))); }
converge() { manager Converge bas false 0 >/dev/null; }
less_than() { (($(memory_kib) < $1)); }

hostile_up guarded_bus_up
start polkit "$client" silent org.freedesktop.PolicyKit1
wait_for 10 grep -qx silent "$base/polkit.log" || bail "nobody is polkit"
before=$(memory_kib)
states_before=$(states)

hold large 1 64 $((mib << 20))
ok "64 calls of $mib MiB are refused" wait_for 60 refused_are large 64
same "before polkit is asked" 0 "$(asked)"
ok "they hold nothing" wait_for 5 less_than $((before + 8192))
note "memory: $before KiB before, $(memory_kib) KiB after, $(peak_kib) KiB at most"
# What the bus had in store for the daemon while that asked it who calls: 127 MiB at most (max_outgoing_bytes).
ok "and never much" test "$(peak_kib)" -lt $((before + (192 << 10)))
stop large

hold some 1 5 $((100 << 10))
ok "of 5 calls of 100 KiB 3 are refused: a caller may have 256 KiB waiting" wait_for 10 refused_are some 3
ok "polkit is asked about the others" wait_for 10 asked_are 2
sleep 0.5
same "no more are refused" 3 "$(refused some)"
stop some
ok "when the caller is gone, polkit hears that nobody waits" wait_for 10 all_are_cancelled

hold many 66 1 $((200 << 10))
ok "of 66 callers with 200 KiB each, 2 are turned away" wait_for 30 refused_are many 2
held=$(memory_kib)
note "64 calls of 200 KiB wait: $before KiB before, $held KiB now"
ok "polkit is asked about 64" wait_for 10 asked_are 66
ok "the gate is right meanwhile" gate_is_right
ok "and root's calls are carried out" converge
stop many
ok "what they had is freed when they are gone, though polkit still says nothing" wait_for 5 less_than $((held - 10240))
ok "which it hears of" wait_for 10 all_are_cancelled
hold next 1 1 1024
ok "and others get their turn" wait_for 10 asked_are 67
same "none is turned away" 0 "$(refused next)"
stop next

# What waits for libvirt is let go in the same way. The names of the guests are not: they are converged.
more_than() { (($(memory_kib) > $1)); }
kill -STOP "${process[libvirtd]}"
before=$(memory_kib)
hold roots 1 1 $((8 << 20)) 0
ok "a call of root's with 8 MiB waits for libvirt" wait_for 20 more_than $((before + 14000))
sleep 0.5
held=$(memory_kib)
stop roots
ok "its message is freed when its caller is gone" wait_for 5 less_than $((held - 7000))
note "$before KiB before, $held KiB while it waited, $(memory_kib) KiB now"
kill -CONT "${process[libvirtd]}"
ok "with libvirt there again the gate is right" wait_for 20 gate_is_right
ok "and a call is answered" converge
same "nothing has changed" "$states_before" "$(states)"
ok "the daemon lives" daemon_lives
