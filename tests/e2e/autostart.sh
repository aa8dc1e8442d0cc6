#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The host boots: libvirtd starts its autostart guests before it takes any client, so that those whose grant is not yet in their
# definitions are refused. The daemon starts them when it has put their definitions right; and starts nothing else.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

libvirtd_down() { sandbox_service_down "$host" libvirtd; }

# /run has a mark of the first libvirtd since boot, the only one that starts guests by itself.
libvirtd_boots() {
    on_host rm -f /run/libvirt/qemu/autostarted
    sandbox_libvirtd_up "$host"
}

guests=(granted-a granted-b granted-c granted-manual plain)

host_up
policy_none
daemon_up
for guest in "${guests[@]}"; do
    define "$guest"
    [[ $guest == granted-manual ]] || try virsh -q autostart "$guest" || bail "no autostart"
done

ok "libvirtd is down" libvirtd_down
generation=$(property PolicyGeneration)
policy_grant
ok "the policy grants" wait_for 30 not property_is PolicyGeneration "$generation"
for guest in "${guests[@]}"; do
    guest_forget "$host" "$guest"
done
ok "libvirtd starts as at boot" libvirtd_boots
for guest in granted-a granted-b granted-c; do
    ok "$guest runs" wait_for 60 runs "$guest"
    sees "with XSAVES" "$guest" yes
done
ok "plain runs" runs plain
sees "without XSAVES" plain no
ok "another one is off" not runs granted-manual
ok "its definition is changed" wait_for 10 definition_forces granted-manual
same "starts by libvirtd that were refused" 3 \
    "$(sandbox_service_log "$host" xsavesd | grep -c "prepare: refused: .* misses its grant")"
same "starts by the daemon" 3 "$(sandbox_service_log "$host" xsavesd | grep -c "Started domain")"

ok "one is stopped" stop granted-a
ok "libvirtd is down" libvirtd_down
ok "libvirtd starts, not as at boot" sandbox_libvirtd_up "$host"
ok "the daemon is connected again" wait_for 40 agent_is_ready "$host"
ok "what was stopped stays so" not wait_for 3 runs granted-a
