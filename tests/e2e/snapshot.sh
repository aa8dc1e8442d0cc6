#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Snapshots, with memory and without, from before and after a change of the policy.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Internal snapshots live in the disk image.
define_qcow2() {
    local dir

    dir=$(sandbox_dir "$host")/run/guests
    guest_xml "$host" "$@" | sed "s/type='raw'/type='qcow2'/; s/$1.img/$1.qcow2/" >"$dir/$1.xml"
    qemu-img convert -q -O qcow2 "$dir/$1.img" "$dir/$1.qcow2" || bail "cannot convert the disk"
    on_host virsh -q define "/run/guests/$1.xml" || bail "cannot define $1"
}

take() { try virsh -q snapshot-create-as "$@"; }

back_to() {
    guest_forget "$host" "$1"
    try virsh -q snapshot-revert "$@"
}

changed() {
    local generation

    generation=$(property PolicyGeneration)
    "$@"
    wait_for 10 not property_is PolicyGeneration "$generation"
}

needs_restart() { on_host xsavesctl list | grep -qE "^$1 .*restart"; }

host_up
policy_grant
daemon_up

define_qcow2 granted
ok "the definition is changed" wait_for 10 definition_forces granted
ok "a snapshot of the guest that does not run" take granted off-with
ok "the guest starts" start granted
sees "it has XSAVES" granted yes
ok "a snapshot with memory" take granted live-with
ok "back to it, running" back_to granted live-with
sees "the guest has XSAVES" granted yes
ok "it stops" stop granted
ok "back to it, from off" back_to granted live-with
sees "the guest has XSAVES" granted yes
ok "an external one of the disk" take granted external --disk-only --atomic --no-metadata
guest_forget "$host" granted
sees "the guest goes on with XSAVES" granted yes
ok "it stops" stop granted

ok "the rule goes" changed policy_none
ok "the definition has no grant" wait_for 10 definition_forces_not granted
ok "back to the memory that has XSAVES: refused" not back_to granted live-with
ok "in one line" refused granted denied-erratum-default
ok "the guest does not run" not runs granted
ok "back to the one without memory" back_to granted off-with
ok "its definition loses the grant again" wait_for 10 definition_forces_not granted
ok "it starts" start granted
sees "without XSAVES" granted no
ok "a snapshot of its memory" take granted live-without
ok "it stops" stop granted

ok "the rule is back" changed policy_grant
ok "the definition has its grant" wait_for 10 definition_forces granted
ok "back to the memory without XSAVES" back_to granted live-without
sees "its CPU has not changed under it" granted no
ok "its definition has the grant" wait_for 10 definition_forces granted
ok "it needs a restart" wait_for 10 needs_restart granted
ok "back to it once more, running" back_to granted live-without
sees "without XSAVES" granted no
ok "its definition has the grant" wait_for 10 definition_forces granted
ok "it stops" stop granted
ok "a cold start" start granted
sees "has XSAVES" granted yes
ok "it needs none" wait_for 10 not needs_restart granted
