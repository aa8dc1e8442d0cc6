# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# What the kernel has to say after all that.

log=$(journalctl -k -o cat)
if [[ $machine == *trixie ]]; then
    expect "AppArmor is in force" grep -q Y /sys/module/apparmor/parameters/enabled
    expect_match "libvirtd is confined" "$(cat "/proc/$(pidof libvirtd)/attr/current")" "^libvirtd \(enforce\)"
fi
denied=$(grep -E 'apparmor="DENIED"' <<<"$log")
evidence "DENIED lines in all: $(grep -c . <<<"$denied")"
expect_equal "no DENIED line of ours" "$(grep -E 'xsaves|hooks' <<<"$denied")" ""
expect_equal "no crash of ours" "$(grep -E 'xsaves.*(segfault|general protection|trap )' <<<"$log")" ""
expect_equal "no core of ours" "$(journalctl -o cat -u xsavesd | grep -E 'SEGV|ABRT|dumped' | grep -v watchdog)" ""
