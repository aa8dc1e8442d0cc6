#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes a freshly unpacked root file system the bench's. $1: its folder.
set -eu
root=$1
here=$(dirname "$(readlink -f "$0")")

echo bench-7 >"$root/etc/hostname"
printf '127.0.0.1 localhost bench-7\n' >"$root/etc/hosts"
rm -f "$root/etc/machine-id" "$root/etc/resolv.conf"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
printf '/dev/vda / ext4 rw 0 0\n' >"$root/etc/fstab"

mkdir -p "$root/lab"
cp "$here/lab.mount" "$here/lab.service" "$root/etc/systemd/system/"
chmod 644 "$root/etc/systemd/system/lab.mount" "$root/etc/systemd/system/lab.service"
sed -i 's/^\[Unit\]/&\nRequires=lab.mount\nAfter=lab.mount/' "$root/etc/systemd/system/lab.service"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../lab.service "$root/etc/systemd/system/multi-user.target.wants/lab.service"

# What costs time at boot and has no part in any case.
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
    e2scrub_reap.service dpkg-db-backup.timer fstrim.timer logrotate.timer \
    man-db.timer systemd-timesyncd.service libvirt-guests.service \
    serial-getty@ttyS0.service serial-getty@ttyS1.service getty@tty1.service \
    ifupdown-pre.service networking.service nftables.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
rm -f "$root"/etc/libvirt/qemu/networks/autostart/*.xml
# Each "systemctl daemon-reload" runs them all, and none has anything to do here.
mkdir -p "$root/etc/systemd/system-generators"
for generator in "$root"/usr/lib/systemd/system-generators/* "$root"/lib/systemd/system-generators/*; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/$(basename "$generator")"
done
# AppArmor's profiles of what is not there.
for profile in "$root"/etc/apparmor.d/*; do
    case $(basename "$profile") in
    usr.sbin.libvirtd | usr.sbin.virtqemud | usr.lib.libvirt.virt-aa-helper) ;;
    *) [ -d "$profile" ] || rm -f "$profile" ;;
    esac
done
# libvirtd asks each emulator what it can, twice, when it first needs to know.
rm -f "$root/usr/bin/qemu-system-i386"

# An ordinary user, and one in group libvirt.
chroot "$root" useradd -m -s /bin/bash stranger
chroot "$root" useradd -m -s /bin/bash -G libvirt virtuser
