# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm
# needs: package
#
# The host changes while the daemon runs, as its unit confines it: it gets another name, and KVM other parameters.

host_fact() { xsavesctl host --json | jq -r --arg key "$1" '.[$key]'; }
changes() { journalctl -u xsavesd.service -o cat | grep -c "This host has changed: .*$1"; }
more_than() { (($("${@:2}") > $1)); }

name=$(</proc/sys/kernel/hostname)
echo renamed >/proc/sys/kernel/hostname
expect "a name that is set later is seen" eventually gives renamed host_fact hostname
echo "$name" >/proc/sys/kernel/hostname
expect "so is the next" eventually gives "$name" host_fact hostname

nested=$(</sys/module/kvm_amd/parameters/nested)
before=$(changes hypervisor-cpuid)
modprobe -r kvm_amd && modprobe kvm_amd nested=$((1 - nested))
evidence "kvm_amd was loaded with nested=$nested, now with $(</sys/module/kvm_amd/parameters/nested)"
expect "KVM with other parameters is asked again" eventually more_than "$before" changes hypervisor-cpuid
modprobe -r kvm_amd && modprobe kvm_amd nested="$nested"
expect "and again" eventually more_than "$((before + 1))" changes hypervisor-cpuid
evidence "$(journalctl -u xsavesd.service -o cat | grep 'This host has changed')"

virsh -q list >/dev/null
guest_define after "$passthrough"
expect "a guest starts" guest_start after
guest_gone after
