#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What happens in a guest's life besides its start: it is reset, rebooted, managed-saved, renamed, cloned, undefined; libvirtd is
# restarted under it, and starts it by itself.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

pid_of() { on_host cat "/run/libvirt/qemu/$1.pid" 2>/dev/null; }

libvirtd_restart() {
    sandbox_service_down "$host" libvirtd && sandbox_libvirtd_up "$host"
}

host_up
policy_grant
daemon_up

define granted
ok "the definition is changed" wait_for 10 definition_forces granted
ok "the guest starts" start granted
sees "it has XSAVES" granted yes

pid=$(pid_of granted)
guest_forget "$host" granted
ok "virsh reset" try virsh -q reset granted
sees "after it, XSAVES" granted yes
guest_forget "$host" granted
# What a guest does by itself: a triple fault, or a write to port 0xCF9; QEMU resets the machine and libvirt is not asked.
ok "a reset inside of QEMU" try virsh -q qemu-monitor-command granted --hmp system_reset
sees "after it, XSAVES" granted yes
same "it is the same QEMU process" "$pid" "$(pid_of granted)"

ok "libvirtd restarts" libvirtd_restart
ok "reconnect does not kill the guest" runs granted
same "nor start another" "$pid" "$(pid_of granted)"
ok "the daemon is connected again" wait_for 15 agent_is_ready "$host"
guest_forget "$host" granted
sees "the guest still has XSAVES" granted yes

ok "managed save" try virsh -q managedsave granted
guest_forget "$host" granted
ok "start from it" start granted
sees "the guest has XSAVES" granted yes

ok "managed save again" try virsh -q managedsave granted
generation=$(property PolicyGeneration)
policy_none
ok "the rule goes" wait_for 10 not property_is PolicyGeneration "$generation"
ok "a start from the managed save is refused" not start granted
ok "in one line" refused granted denied-erratum-default
ok "the managed save is dropped" try virsh -q managedsave-remove granted
ok "the definition has no grant" wait_for 10 definition_forces_not granted
ok "a cold start" start granted
sees "has no XSAVES" granted no

generation=$(property PolicyGeneration)
policy_grant
ok "the rule is back" wait_for 10 not property_is PolicyGeneration "$generation"
ok "the definition of the running guest is changed" wait_for 10 definition_forces granted
guest_forget "$host" granted
sees "the guest that runs is not" granted no

ok "it stops" stop granted
ok "it is renamed to what no rule names" try virsh -q domrename granted other
ok "and loses its grant" wait_for 10 definition_forces_not other
ok "without a trace" not definition_has other urn:xsavesd
# Its serial port's file has the old name.
guest_forget "$host" granted
ok "and starts" start other
sees "without XSAVES" granted no
ok "it stops" stop other
ok "it is renamed back" try virsh -q domrename other granted
ok "and gets its grant back" wait_for 10 definition_forces granted

# A clone, as virt-clone makes it: the other's XML, record and all, with its own name, UUID and disk.
clone=$(sandbox_dir "$host")/run/guests/clone.xml
guest_xml "$host" clone >/dev/null
definition granted | sed "s/granted/clone/g; s|<uuid>.*</uuid>|<uuid>$(sandbox_uuid "guest clone")</uuid>|" >"$clone"
ok "a clone of it is defined" try virsh -q define /run/guests/clone.xml
ok "and has no grant of its own" wait_for 10 definition_forces_not clone
ok "nor a record" not definition_has clone urn:xsavesd
ok "and starts" start clone
sees "without XSAVES" clone no

ok "autostart is set" try virsh -q autostart granted
ok "both stop" stop clone
ok "libvirtd restarts" libvirtd_restart
# Only the first start of a host's libvirtd starts guests by itself: /run has the mark of the last one.
on_host rm -f /run/libvirt/qemu/autostarted
guest_forget "$host" granted
ok "libvirtd starts as at boot" libvirtd_restart
ok "the guest is started" wait_for 20 runs granted
sees "with XSAVES" granted yes

ok "undefined while it runs, it goes on" try virsh -q undefine granted
guest_forget "$host" granted
sees "with XSAVES" granted yes
ok "it stops" stop granted
ok "and stays undefined" not definition granted
