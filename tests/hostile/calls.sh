#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Random calls of all members of the interface, by a stranger and by root, on a bus that guards the daemon and on one that lets
# everything through.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The address sanitizer would keep what was freed, up to 256 MiB of it.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"
count=${XSAVESD_TEST_CALLS:-4000}

calls_as() { "$client" random "$1" "$seed" "$count" "$interface" 2>&1; }
converge() { manager Converge bas false 0 >/dev/null; }
grew_little() { (($(memory_kib) < $1 + 8192)); }

hostile_up guarded_bus_up
before=$(states)
calls_as "$stranger" >/dev/null
ok "a stranger's $count calls: the daemon lives" daemon_lives
same "and nothing has changed" "$before" "$(states)"
said=$(calls_as "$stranger")
same "and none of them was granted" 0 "$said"

# Who sends "started" and is gone before the daemon can ask for it: what a stranger sends does not reach it.
domain runs "" >"$base/runs.xml"
virsh_ create "$base/runs.xml" >/dev/null
runs_xsaves() { [[ $(manager Explain s runs 2>/dev/null) == *"\"runs-xsaves\" s \"$1\""* ]]; }
leave_started() {
    kill -STOP "${process[xsavesd]}"
    setpriv --reuid "$1" --regid "$1" --clear-groups busctl --address="$bus_address" --expect-reply=no call org.xsavesd1 /org/xsavesd1 \
        org.xsavesd1.Manager Gate sss started begin "$(domain_forced runs)"
    kill -CONT "${process[xsavesd]}"
}
ok "a guest runs without XSAVES" wait_for 10 runs_xsaves no
leave_started "$stranger"
ok "a stranger may not tell that it was started with XSAVES" runs_xsaves no
leave_started 0
ok "root may" runs_xsaves yes

# The daemon by itself.
stop xsavesd
stop dbus
rm -f "$base/bus"
bus_up
wait_for 10 bus list >/dev/null 2>&1 || bail "no bus"
daemon_up "$base/masked.facts"
wait_for 10 has granted "policy='force' name='xsaves'" || bail "the guests are not in line"
calls_as "$stranger" >/dev/null
memory=$(memory_kib)
before=$(states)
said=$(calls_as "$stranger")
ok "let through by the bus: the daemon lives" daemon_lives
same "nothing has changed" "$before" "$(states)"
ok "its memory did not grow ($memory KiB before, $(memory_kib) KiB after)" grew_little "$memory"
ok "and the gate is right" gate_is_right

said=$(calls_as 0)
ok "root's calls: the daemon lives" daemon_lives
ok "some are answered: $said" test "${said:-0}" -gt 0
ok "its memory did not grow" grew_little "$memory"
ok "the gate is right" gate_is_right
ok "and a guest comes in line" converge
ok "as it was" has asking "policy='disable' name='xsaves'"
