#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# host.sh NAME DIR UUID: one emulated host, for as long as the standard input stays open and does not say "down".
#
# It runs twice. Outside, it starts itself in namespaces of their own, waits for their end and removes DIR. Inside, as
# process 1, it makes the mount namespace look like a host; when it ends, the kernel ends all that runs there and drops
# the mounts. Since the standard input is held by whoever made the sandbox, it goes even when that one is killed.

set -eu

name=$1
dir=$2
uuid=$3
place=${4:-outside}

if [[ $place == outside ]]; then
    # An interrupt at the terminal is for whoever made the sandbox, who then takes it down.
    trap '' INT TERM HUP
    unshare --mount --uts --pid --fork --kill-child --mount-proc --propagation private \
        bash "$0" "$name" "$dir" "$uuid" inside <&0 &
    echo $! >"$dir/pid"
    wait $! || :
    rm -rf "$dir"
    rmdir "${dir%/*}" 2>/dev/null || :
    exit 0
fi

fail() {
    printf 'sandbox %s: %s\n' "$name" "$1" >&2
    exit 1
}

# Changes to the system's own folders land in a tmpfs and vanish with this namespace.
overlay() {
    local layer=$dir/layers/${1//\//_}

    mkdir "$layer" "$layer/upper" "$layer/work"
    mount -t overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" sandbox "$1" ||
        fail "cannot mount an overlay over $1 (overlayfs is needed: 'modprobe overlay', or a container that may mount)"
}

echo "$name" >/proc/sys/kernel/hostname || fail "cannot set the hostname"

mount -t tmpfs -o mode=755 sandbox "$dir/layers" || fail "cannot mount a tmpfs"
overlay /etc
overlay /usr

# /run lies in the sandbox's folder, so that its sockets can be reached from outside.
mount --bind "$dir/run" /run
for private in /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
    mount -t tmpfs -o mode=755 sandbox "$private" || fail "cannot mount a tmpfs on $private"
done

# In these libvirtd would leave folders behind. (libvirt 9.0 does not take the empty hugetlbfs_mount that it documents.)
umount -R -l /sys/fs/cgroup 2>/dev/null || :
while read -r _ mountpoint type _; do
    [[ $type != hugetlbfs ]] || umount -l "$mountpoint"
done </proc/mounts

echo "$name" >/etc/hostname
printf '127.0.0.1 localhost %s\n' "$name" >/etc/hosts
echo "${uuid//-/}" >/etc/machine-id

# Only guests are wanted here: no bridge, firewall rule or storage pool of the host.
for driver in interface network nodedev nwfilter storage; do
    rm -f /usr/lib/*/libvirt/connection-driver/libvirt_driver_"$driver".so
done
rm -rf /etc/libvirt/qemu /etc/libvirt/hooks
mkdir -p /etc/libvirt/hooks /run/dbus /run/lock

cat >/etc/libvirt/libvirtd.conf <<END
host_uuid = "$uuid"
auth_unix_rw = "none"
unix_sock_group = "libvirt"
unix_sock_rw_perms = "0770"
END

# stdio_handler: written by QEMU itself, a guest's output is complete once its process is gone; virtlogd may be late.
cat >/etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
remember_owner = 0
security_driver = "none"
namespaces = []
stdio_handler = "file"
END

: >"$dir/ready"

while read -r word; do
    [[ $word != down ]] || break
done
