# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm
# needs: package
#
# Whatever breaks: ordinary guests start, guests with XSAVES that nobody vetted
# do not, and once it is whole again a granted guest starts by itself.

guest_define plain "$passthrough"
guest_xml unvetted "$forced_cpu" "$pair" >/run/unvetted.xml
policy_set "$allow_host
$(allow_guest granted never-uses-xsaves)"
guest_define granted "$passthrough"
eventually guest_has_grant granted

# holds WHILE: the two promises, now.
holds() {
    local out started took
    started=$(date +%s%N)
    out=$(virsh -q create /run/unvetted.xml 2>&1)
    took=$((($(date +%s%N) - started) / 1000000))
    evidence "$1 ($took ms): $out"
    expect_match "$1: an unvetted guest is refused" "$out" "xsavesd: .*unvetted"
    guest_is_defined unvetted && guest_gone unvetted
    out=$(guest_start plain)
    expect_equal "$1: an ordinary guest starts" "$out" ""
    expect_match "$1: without XSAVES" "$(guest_says plain)" " xsave=00000005 .*xss=none"
    guest_stop plain >/dev/null
}

# recovered AFTER: by itself; asked on the bus only then, because that would start it.
recovered() {
    expect "$1: the daemon runs again" eventually systemctl -q is-active xsavesd.service
    expect "$1: the daemon answers again" eventually daemon_answers
    expect "$1: and is connected to libvirt" eventually gives true property LibvirtConnected
}

granted_starts() {
    local out
    out=$(guest_start granted)
    expect_equal "$1: a granted guest starts" "$out" ""
    expect_match "$1: with XSAVES" "$(guest_says granted)" " xsave=0000000d .*ok$"
    guest_stop granted >/dev/null
}

# Stopped: the hook's call starts it again, so it is only away when masked.
systemctl stop xsavesd.service
out=$(virsh_said create /run/unvetted.xml)
evidence "stopped: $out"
expect_match "stopped: the hook's call activates the daemon, which refuses" "$out" "denied-erratum-default"
expect "stopped: it runs again" systemctl -q is-active xsavesd.service
systemctl stop xsavesd.service
expect_equal "stopped: an ordinary guest starts" "$(guest_start plain)" ""
guest_stop plain >/dev/null

systemctl -q mask --runtime --now xsavesd.service
holds masked
systemctl -q unmask --runtime xsavesd.service
granted_starts "no longer masked"
recovered masked

# Killed again and again.
(
    while :; do
        systemctl kill -s KILL xsavesd.service
        sleep 0.3
    done
) 2>/dev/null &
killer=$!
holds "kill -9 in a loop"
kill "$killer"
wait "$killer" 2>/dev/null
recovered "kill -9 in a loop"

# Hung: the watchdog sees it.
mkdir -p /run/systemd/system/xsavesd.service.d
printf '[Service]\nWatchdogSec=4\nTimeoutAbortSec=2\n' >/run/systemd/system/xsavesd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart xsavesd.service
pid=$(daemon_pid)
sleep 8
expect_equal "the watchdog leaves a daemon alone that lives" "$(daemon_pid)" "$pid"
kill -STOP "$pid"
started=$(date +%s%N)
out=$(virsh -q create /run/unvetted.xml 2>&1)
took=$((($(date +%s%N) - started) / 1000000))
evidence "hung ($took ms): $out"
expect_match "hung: an unvetted guest is refused" "$out" "xsavesd: .*unvetted"
expect "hung: the watchdog starts it anew" eventually daemon_is_not "$pid"
rm -rf /run/systemd/system/xsavesd.service.d
systemctl daemon-reload
recovered hung

systemctl restart libvirtd.service
recovered "libvirtd restarted"
holds "libvirtd restarted"
granted_starts "libvirtd restarted"

systemctl restart dbus.service
recovered "bus restarted"
holds "bus restarted"
granted_starts "bus restarted"

# No disk. What libvirt itself writes to start a guest is elsewhere, as it is on hosts with a /var of their own.
libvirts="/var/lib/libvirt /var/log/libvirt /etc/libvirt"
for folder in $libvirts; do
    mkdir "/srv/${folder//\//-}"
    cp -a "$folder/." "/srv/${folder//\//-}/"
    mount --bind "/srv/${folder//\//-}" "$folder"
done
fallocate -l "$(df -B 1 --output=avail / | tail -n 1)" /fill
cat /dev/zero >/fill.rest 2>/dev/null
evidence "$(df -h / | tail -n 1)"
expect_fail "disk full: nothing can be written" sh -c 'echo more >/fill.more'
systemctl restart xsavesd.service
recovered "disk full"
holds "disk full"
rm -f /fill /fill.rest /fill.more
recovered "disk no longer full"
for folder in $libvirts; do
    umount -l "$folder"
done
granted_starts "disk no longer full"

# At boot the daemon may be there before KVM is.
daemon_fact() { busctl --json=short get-property org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager Host | jq -r --arg key "$1" '.data[$key]'; }
expect "KVM goes" modprobe -r kvm_amd kvm
systemctl restart xsavesd.service
recovered "KVM gone"
expect_equal "KVM gone: what it offers is unknown" "$(daemon_fact hypervisor-xsaves)" unknown
expect "KVM comes" modprobe kvm_amd
expect "KVM has its device" eventually test -c /dev/kvm
granted_starts "KVM back"
expect_equal "KVM back: what it offers is known" "$(daemon_fact hypervisor-xsaves)" no

# The policy cannot be read: at a start nothing is granted, and it says so.
chmod 000 /etc/xsavesd
systemctl restart xsavesd.service
expect "unreadable policy: the daemon starts" eventually daemon_answers
evidence "$(property PolicyError)"
expect "unreadable policy: it says so" policy_is_bad
holds "unreadable policy"
chmod 755 /etc/xsavesd
expect "readable again: it is picked up by itself" eventually policy_is_good
expect "and the grant is back" eventually guest_has_grant granted
granted_starts "readable again"

policy_reset
guest_gone plain
guest_gone granted
