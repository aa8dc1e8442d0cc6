# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# What the kernel has to say after all that.

log=$(journalctl -k -o cat)
# denied_lines TEXT: of AppArmor's, with that in them.
denied_lines() { journalctl -k -o cat | grep 'apparmor="DENIED"' | grep -e "$1"; }
if [[ $machine == *trixie ]]; then
    expect "AppArmor is in force" grep -q Y /sys/module/apparmor/parameters/enabled
    expect_match "libvirtd is confined" "$(cat "/proc/$(pidof libvirtd)/attr/current")" "^libvirtd \(enforce\)"
fi
denied=$(grep -E 'apparmor="DENIED"' <<<"$log")
evidence "DENIED lines in all: $(grep -c . <<<"$denied")"
expect_equal "no DENIED line of ours" "$(grep -E 'xsaves|hooks' <<<"$denied")" ""
expect_equal "no crash of ours" "$(grep -E 'xsaves.*(segfault|general protection|trap )' <<<"$log")" ""
ours=$(journalctl -o cat -u xsavesd)
expect_equal "no core of ours" "$(grep -E 'SEGV|dumped' <<<"$ours")" ""
# Where a case has hung it.
expect "it was aborted by the watchdog alone" \
    test "$(grep -c 'exited.*ABRT' <<<"$ours")" -le "$(grep -c 'Watchdog timeout' <<<"$ours")"

# The control: a hook from where libvirtd may run none is denied, and that shows.
if [[ $machine == *trixie ]]; then
    mkdir -p /etc/libvirt/hooks/qemu.d /usr/libexec
    printf '#!/bin/sh\nexit 0\n' >/usr/libexec/lab-control
    chmod 755 /usr/libexec/lab-control
    ln -s /usr/libexec/lab-control /etc/libvirt/hooks/qemu.d/lab-control
    systemctl reload libvirtd.service
    guest_define control "$passthrough"
    evidence "$(guest_start control)"
    expect "a DENIED line would show" eventually denied_lines lab-control
    guest_gone control
    rm -f /etc/libvirt/hooks/qemu.d/lab-control /usr/libexec/lab-control
fi
