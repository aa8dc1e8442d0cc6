# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm
#
# The problem, before anything is installed: what KVM's guests see on such a
# host, and what it takes that they see XSAVES.

guest_define plain "$passthrough"
guest_start plain
line=$(guest_says plain)
evidence "host-passthrough: $line"
expect_match "a guest does not see XSAVES" "$line" " xsave=00000005 .* xss=none"
guest_gone plain

guest_define wish "$forced_cpu"
guest_start wish
line=$(guest_says wish)
evidence "policy='force' alone: $line"
expect_match "to force XSAVES alone does nothing" "$line" " xsave=00000005 "
guest_gone wish

guest_define forced "$forced_cpu" "$pair"
guest_start forced
line=$(guest_says forced)
evidence "forced, with the pair: $line"
expect_match "the guest sees XSAVES, its F/M/S is the host's, IA32_XSS works" "$line" \
    "^fms=00830f10 xsave=0000000d size=[0-9a-f]{8} xss=00000000 ok$"
virsh -q save forced /srv/forced.save
virsh -q restore /srv/forced.save
line=$(guest_says forced)
evidence "after save and restore: $line"
expect_match "and after save and restore" "$line" "^fms=00830f10 xsave=0000000d .* ok$"
rm -f /srv/forced.save
guest_gone forced

# The control: without XSAVES in its CPUID, IA32_XSS faults.
guest_image=/lab/guest-always.bin
guest_define control "$passthrough"
guest_start control
line=$(guest_says control)
evidence "IA32_XSS without XSAVES: $line"
expect_match "IA32_XSS faults where XSAVES is not seen" "$line" "xss= fault$"
guest_gone control
