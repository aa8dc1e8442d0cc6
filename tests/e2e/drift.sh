#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest is started before its definition could be changed: refused and put right, or let through, as the policy says.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

hook_waits() { on_host sh -c 'grep -qs "^/etc/libvirt/hooks/qemu.d/xsavesd" /proc/[0-9]*/cmdline'; }

# The start is under way before the daemon hears of the definition.
start_drifting() {
    local pid status

    sandbox_service_signal "$host" xsavesd STOP
    define "$1"
    # That it is to start with the host gives nobody leave to start it later.
    on_host virsh -q autostart "$1"
    guest_forget "$host" "$1"
    on_host timeout 60 virsh -q start "$1" >"$(sandbox_dir "$host")/log/start" 2>&1 &
    pid=$!
    wait_for 30 hook_waits || note "the hook was not called"
    sandbox_service_signal "$host" xsavesd CONT
    wait "$pid"
    status=$?
    said=$(sandbox_service_log "$host" start)
    return "$status"
}

host_up
policy_grant_with 'on-drift = refuse'
daemon_up

ok "refuse: the start is refused" not start_drifting granted-refused
ok "in one line" refused granted-refused granted-forced
ok "the definition is put right" wait_for 30 definition_forces granted-refused
ok "the guest is not started again" not wait_for 3 runs granted-refused
ok "the next start works" start granted-refused
sees "with XSAVES" granted-refused yes

# A word of earlier versions.
generation=$(property PolicyGeneration)
policy_grant_with 'on-drift = restart'
ok "the policy changes" wait_for 30 not property_is PolicyGeneration "$generation"
ok "restart: the start is refused" not start_drifting granted-restarted
ok "the definition is put right" wait_for 30 definition_forces granted-restarted
ok "the guest is not started again" not wait_for 3 runs granted-restarted

generation=$(property PolicyGeneration)
policy_grant_with 'on-drift = accept'
ok "the policy changes" wait_for 30 not property_is PolicyGeneration "$generation"
ok "accept: the guest starts" start_drifting granted-accepted
sees "without XSAVES" granted-accepted no
ok "the definition is put right" wait_for 30 definition_forces granted-accepted
ok "the guest stops" stop granted-accepted
ok "the next start works" start granted-accepted
sees "with XSAVES" granted-accepted yes
