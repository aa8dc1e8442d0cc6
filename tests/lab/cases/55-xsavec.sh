# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm
# needs: package
#
# hide-xsavec. TCG has no XSAVEC, so KVM here offers none either, and the guest
# forces it for itself; the daemon is told by a facts file that KVM offers it.

xsavec="<cpu mode='host-passthrough'><feature policy='force' name='xsavec'/></cpu>"

guest_define before "$xsavec" "$pair"
guest_define plain "$passthrough"
policy_set "[guest win2016]
name = before plain
xsaves = keep"
guest_start before
line=$(guest_says before)
evidence "left alone: $line"
expect_match "the guest sees XSAVEC without XSAVES" "$line" " xsave=00000007 "
guest_stop before

xsavesctl host --facts | sed 's/^hypervisor-xsavec *=.*/hypervisor-xsavec = yes/' >/etc/xsavesd/facts
mkdir -p /run/systemd/system/xsavesd.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/libexec/xsavesd --host /etc/xsavesd/facts\n' >/run/systemd/system/xsavesd.service.d/facts.conf
systemctl daemon-reload
systemctl restart xsavesd.service

policy_set "[guest win2016]
name = before plain
xsaves = deny
hide-xsavec = yes"
expect "hide-xsavec disables XSAVEC in a definition" eventually gives disable guest_policy before xsavec
expect "also where it was not named" eventually gives disable guest_policy plain xsavec
guest_start before
line=$(guest_says before)
evidence "hidden: $line"
expect_match "the guest sees neither" "$line" " xsave=00000005 .*xss=none"
guest_stop before

rm -rf /run/systemd/system/xsavesd.service.d /etc/xsavesd/facts
systemctl daemon-reload
systemctl restart xsavesd.service
policy_reset
expect "and gets it back with the rule gone" eventually gives "" guest_policy plain xsavec
guest_gone before
guest_gone plain
