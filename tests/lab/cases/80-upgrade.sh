# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# The next version is installed while guests run. It ships another policy.ini.

policy_set "; as edited here
$allow_host
$(allow_guest granted never-uses-xsaves)"
guest_define granted "$passthrough"
guest_define plain "$passthrough"
eventually guest_has_grant granted
guest_start granted
guest_start plain
qemus=$(pgrep -f 'qemu-system-x86_64 -name' | sort | xargs)
libvirtd=$(pidof libvirtd)
daemon=$(daemon_pid)
policy=$(sha256sum </etc/xsavesd/policy.ini)
definition=$(guest_xml_now granted)

out=$(apt-get -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold install /lab/debs/xsavesd-next.deb 2>&1)
status=$?
expect_equal "apt upgrades the package" "$status" 0
[[ $status -eq 0 ]] || evidence "$out"
evidence "$(dpkg-query -W xsavesd)"
expect_match "the version is the next one" "$(dpkg-query -W -f '${Version}' xsavesd)" "next1$"
expect_equal "the policy is as edited" "$(sha256sum </etc/xsavesd/policy.ini)" "$policy"
expect_fail "the daemon is a new one" test "$(daemon_pid)" = "$daemon"
expect "and answers" eventually daemon_answers
expect_equal "the guests are the same processes" "$(pgrep -f 'qemu-system-x86_64 -name' | sort | xargs)" "$qemus"
expect_equal "libvirtd is the same" "$(pidof libvirtd)" "$libvirtd"
expect_match "the granted guest still has XSAVES" "$(guest_says granted)" " xsave=0000000d .*ok$"
expect_match "the ordinary one runs" "$(guest_says plain)" " xsave=00000005 .*xss=none$"
expect_equal "the definition is as it was" "$(guest_xml_now granted)" "$definition"
guest_gone plain
guest_gone granted
policy_reset
