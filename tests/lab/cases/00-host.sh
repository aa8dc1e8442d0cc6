# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
#
# The machine is what it says it is: a Zen 2 host, XSAVES in its CPU, hidden by
# its kernel.

expect_equal "PID 1 is systemd" "$(cat /proc/1/comm)" systemd
expect "kvm_amd is loaded" eventually grep -q '^kvm_amd ' /proc/modules
expect "family 23, model 49" grep -Pzq 'cpu family\t: 23\nmodel\t\t: 49\n' /proc/cpuinfo
modprobe cpuid
expect_equal "CPUID.(0DH,1):EAX of the host has XSAVES" "$(host_cpuid 0xd 1)" 0xd
expect_fail "the kernel hides XSAVES" grep -qw xsaves /proc/cpuinfo
expect "libvirtd answers" eventually virsh -q list

if [[ $machine == *trixie ]]; then
    expect_match "AppArmor confines libvirtd" "$(cat "/proc/$(pidof libvirtd)/attr/current")" "^libvirtd \(enforce\)"
fi
