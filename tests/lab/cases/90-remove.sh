# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# Removal gives definitions back to their owners; a purge leaves no file.

systemctl stop xsavesd.service
systemctl -q mask --runtime xsavesd.service
guest_define granted "$passthrough" "<metadata><o:owner xmlns:o='urn:owner:1'>mine</o:owner></metadata>"
guest_define denied "$forced_cpu" "$pair"
granted=$(guest_xml_now granted)
denied=$(guest_xml_now denied)
systemctl -q unmask --runtime xsavesd.service
systemctl start xsavesd.service
policy_set "$allow_host
$(allow_guest granted never-uses-xsaves)"
expect "a definition was given its grant" eventually guest_has_grant granted
expect "another was denied what it asks for" eventually gives disable guest_policy denied xsaves
guest_start granted
line=$(guest_says granted)
libvirtd=$(pidof libvirtd)

out=$(apt-get -y -o Dpkg::Use-Pty=0 remove xsavesd 2>&1)
status=$?
expect_equal "apt removes the package" "$status" 0
evidence "$(grep -i xsavesd <<<"$out")"
expect_equal "the granted definition is its owner's" "$(guest_xml_now granted)" "$granted"
expect_equal "the denied definition is its owner's" "$(guest_xml_now denied)" "$denied"
expect_equal "libvirtd is the same" "$(pidof libvirtd)" "$libvirtd"
expect_equal "the guest that runs is not touched" "$(guest_says granted)" "$line"
expect "the policy stays" test -e /etc/xsavesd/policy.ini
guest_stop granted
expect_equal "a guest starts without the hook" "$(guest_start granted)" ""
expect_match "without XSAVES" "$(guest_says granted)" " xsave=00000005 .*xss=none"
guest_gone granted
guest_gone denied

expect "apt purges the package" apt-get -y -o Dpkg::Use-Pty=0 purge xsavesd
list_files >/srv/files-after
expect_equal "no file is left" "$(comm -13 /srv/files /srv/files-after | xargs)" ""
expect_equal "and none is missing" "$(comm -23 /srv/files /srv/files-after | xargs)" ""
expect_equal "nothing of it runs" "$(pgrep -x xsavesd)" ""
