#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Defined and started back to back, many times (RACE_ROUNDS), and every other time over a definition that has its grant already:
# whoever is faster, no start is unsafe, none hangs, none goes without its grant, and one that is refused works the next time.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

rounds=${RACE_ROUNDS:-60}

host_up
policy_grant
daemon_up

define granted
define_asking asking

has_grant() {
    # shellcheck disable=SC2016 # expanded in the sandbox
    on_host sh -c 'cat "/proc/$(cat "/run/libvirt/qemu/$1.pid")/cmdline"' - "$1" 2>/dev/null | grep -aq x-force-features
}

# One round, in one process beside libvirt: as little time as can be between the two calls.
both() {
    on_host timeout 30 virsh -q "define /run/guests/$1.xml; start $1" >/dev/null 2>&1
}

again() { wait_for 10 definition_forces granted && start granted; }

refused=0
direct=0
unsafe=0
lost=0
slowest=0
for ((round = 1; round <= rounds; round++)); do
    begin=$(date +%s%N)
    if both granted; then
        direct=$((direct + 1))
    else
        refused=$((refused + 1))
        again || note "round $round: it does not start again: $said"
    fi
    has_grant granted || lost=$((lost + 1))
    # One that may not have it, now and then: each start takes its time.
    if ((round % 5 == 0)) && both asking; then
        ! has_grant asking || unsafe=$((unsafe + 1))
        on_host virsh -q "destroy asking; undefine asking" >/dev/null 2>&1
    fi
    on_host virsh -q destroy granted >/dev/null 2>&1
    ((round % 2 == 0)) || on_host virsh -q undefine granted >/dev/null 2>&1
    took=$((($(date +%s%N) - begin) / 1000000))
    ((took <= slowest)) || slowest=$took
done
note "$rounds rounds: $direct starts found the definition in line, $refused were refused, and started once more;" \
    "slowest round $slowest ms"
same "guests that run without their grant" 0 "$lost"
same "starts against the policy" 0 "$unsafe"
ok "the daemon still answers" agent_is_ready "$host"
define granted
ok "and works" wait_for 10 definition_forces granted
ok "the guest starts" start granted
sees "with XSAVES" granted yes
