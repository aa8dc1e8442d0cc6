# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie zen3-bookworm
# needs: package
#
# The package is installed on a host where guests run already.

virsh -q list >/dev/null
libvirtd=$(pidof libvirtd)
if [[ $machine == zen2-bookworm ]]; then
    guest_define before "$passthrough"
    guest_start before
    before=$(guest_says before)
fi
list_files >/srv/files
# Hosts have libvirtd or virtqemud; what stands for the other one here says when it is told to reload.
printf '[Service]\nExecStart=sleep infinity\nExecReload=touch /run/virtqemud-reloaded\n' >/run/systemd/system/virtqemud.service
systemctl daemon-reload
systemctl start virtqemud.service

out=$(apt-get -y -o Dpkg::Use-Pty=0 install /lab/debs/xsavesd.deb 2>&1)
status=$?
expect_equal "apt installs the package" "$status" 0
[[ $status -eq 0 ]] || evidence "$out"
evidence "$(dpkg-query -W xsavesd) on $(sed -n 's/^PRETTY_NAME=//p' /etc/os-release), libvirt $(virsh --version)"
cp /etc/xsavesd/policy.ini "$shipped"

expect "the unit is enabled" systemctl -q is-enabled xsavesd.service
expect "the unit is active" systemctl -q is-active xsavesd.service
expect "dpkg finds all as packaged" dpkg -V xsavesd
expect_equal "the policy is a conffile" "$(dpkg-query -W -f '${Conffiles}' xsavesd | awk '{ print $1 }' | xargs)" /etc/xsavesd/policy.ini
expect_equal "the daemon is not root" "$(ps -o user= -p "$(daemon_pid)")" xsavesd
expect_match "it is in groups libvirt and kvm" "$(id -nG xsavesd)" "^xsavesd .*(libvirt kvm|kvm libvirt)"
expect_equal "libvirtd was not restarted" "$(pidof libvirtd)" "$libvirtd"
expect "virtqemud, where it runs, is told of the hook" test -e /run/virtqemud-reloaded
systemctl stop virtqemud.service
rm -f /run/systemd/system/virtqemud.service
systemctl daemon-reload
expect "the hook can be run" test -x /etc/libvirt/hooks/qemu.d/xsavesd
expect_equal "who wants the metrics enables their timer" "$(systemctl is-enabled xsavesd-metrics.timer)" disabled
expect_fail "it is not started" systemctl -q is-active xsavesd-metrics.timer
expect "zsh finds the completion where Debian's looks for a package's" test -e /usr/share/zsh/vendor-completions/_xsavesctl

exposure=$(systemd-analyze security xsavesd.service --no-pager | tail -n 1)
evidence "$exposure"
exposure=${exposure#*: }
exposure=${exposure%% *}
expect "exposure is 1.4 or lower" test "${exposure/./}" -le 14

expect "it is connected to libvirt" eventually gives true property LibvirtConnected
expect_equal "the policy has no error" "$(property PolicyError)" '""'
expect_match "the journal has its entries with their fields" \
    "$(journalctl -u xsavesd.service -o cat MESSAGE_ID=c3d9a7b5e1f24862a0b4c6d8e0f21334)" "Policy .* is in force"

# That libvirtd has found the hook shows in a refusal (F6).
guest_xml unvetted "$forced_cpu" "$pair" >/run/unvetted.xml
if [[ $machine == zen2-* ]]; then
    out=$(virsh -q create /run/unvetted.xml 2>&1)
    evidence "virsh create, by default policy: $out"
    expect_match "the hook is in force without a restart of libvirtd" "$out" "xsavesd: .*unvetted.*denied-erratum-default"
fi

if [[ $machine == zen2-bookworm ]]; then
    expect_equal "the guest that was running still does" "$(guest_says before)" "$before"
    guest_gone before
fi

# By systemd's own clock: systemctl takes its time here.
systemctl stop xsavesd.service
stamp() { systemctl show -P "$1" xsavesd.service; }
took=$((($(stamp InactiveEnterTimestampMonotonic) - $(stamp ActiveExitTimestampMonotonic)) / 1000))
expect "the daemon stops within 2 s ($took ms)" test "$took" -lt 2000
expect_equal "and by itself" "$(stamp Result)" success
systemctl start xsavesd.service
