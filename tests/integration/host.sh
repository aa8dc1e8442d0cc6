#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What changes of the host while the daemon runs: its name and its machine ID. The daemon is in namespaces of its own, with an
# /etc of its own, and with /proc/sys read-only, as its unit has it (ProtectKernelTunables=).

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

if ! unshare -Urum true 2>/dev/null; then
    trap - EXIT
    rm -rf "$base"
    echo "1..0 # SKIP this machine lets nobody make namespaces"
    exit 0
fi

first_id=0123456789abcdef0123456789abcde0
other_id=0123456789abcdef0123456789abcde1

# COMMANDS: run before.
daemon_on_host() {
    start xsavesd unshare -Urum --propagation private sh -c "
        $1 && hostname early-1 && mount --bind '$base/host-etc' /etc && mount --rbind /proc/sys /proc/sys &&
        mount -o remount,bind,ro /proc/sys && exec \"\$@\"" - \
        "${under[@]}" "$build/daemon/xsavesd" --bus "$bus_address" --policy "$base/etc" --connect "$libvirt_uri"
    wait_for $((15 * ${XSAVESD_TEST_SLOWDOWN:-1})) daemon_ready || bail "the daemon is not ready"
}

hostname_becomes() { nsenter --preserve-credentials -U -u -t "${process[xsavesd]}" hostname "$1" || bail "no hostname"; }
machine_id_becomes() {
    echo "$1" >"$base/host-etc/machine-id.new" && mv "$base/host-etc/machine-id.new" "$base/host-etc/machine-id"
}
host_has() { property_has Host "\"$1\" \"$2\""; }
reason_is() { has guest "reason=\"$1\""; }
# By which host rule libvirt's hook is answered.
gate_says() { manager Gate sss prepare begin "$(<"$base/define.xml")" | cut -d ' ' -f 4 | tr -d '"'; }
said_of_host() { grep -c 'This host has changed' "$base/xsavesd.log"; }

mkdir "$base/etc" "$base/host-etc"
for file in ld.so.cache nsswitch.conf passwd group; do
    cp "/etc/$file" "$base/host-etc/" 2>/dev/null
done
machine_id_becomes "$first_id"
cat >"$base/etc/policy.ini" <<END
[policy]
virt-types = test
[host late]
hostname = late-*
xsaves = deny
[host other]
machine-id = $other_id
xsaves = deny
[guest all]
name = *
xsaves = allow
guest = never-uses-xsaves
END

bus_up
libvirt_up
define guest "<feature policy='force' name='xsaves'/>"
daemon_on_host true
ok "the host is what it is at the start" host_has hostname early-1
ok "with its machine ID" host_has machine-id "$first_id"
ok "no host rule matches" wait_for 10 reason_is denied-no-host-rule

hostname_becomes late-1
ok "a name that is set later is seen" wait_for 5 host_has hostname late-1
ok "and the guests are brought in line with its rule" wait_for 10 reason_is denied-by-host-rule
same "which is said once" 1 "$(said_of_host)"
ok "and what it is" grep -q 'This host has changed: hostname = late-1$' "$base/xsavesd.log"
hostname_becomes early-2
ok "the next is seen, too" wait_for 10 reason_is denied-no-host-rule

machine_id_becomes "$other_id"
ok "so is another machine ID" wait_for 10 reason_is denied-by-host-rule
ok "which is shown" host_has machine-id "$other_id"
machine_id_becomes "$first_id"
ok "and the next" wait_for 10 reason_is denied-no-host-rule

before=$(said_of_host)
manager Reload
manager Reload
gate_says >/dev/null
same "where nothing has changed nothing is said" "$before" "$(said_of_host)"

# Whatever it hears of first: the hook or the name.
wrong=0
for ((i = 0; i < 20; i++)); do
    hostname_becomes late-2
    [[ $(gate_says) == denied-by-host-rule ]] || wrong=$((wrong + 1))
    hostname_becomes early-3
    [[ $(gate_says) == denied-no-host-rule ]] || wrong=$((wrong + 1))
done
same "a hook is answered by the name of this moment" 0 "$wrong"

stop xsavesd
: >"$base/xsavesd.log"
daemon_on_host "mount --bind '$base/etc/policy.ini' /proc/sys/kernel/hostname && echo 0 >/proc/sys/user/max_inotify_instances"
ok "where nothing can be watched it says so" grep -q 'Cannot watch the hostname' "$base/xsavesd.log"
ok "of all" grep -q 'Cannot watch the machine ID and KVM' "$base/xsavesd.log"
hostname_becomes late-3
machine_id_becomes "$other_id"
manager Reload
ok "a reload reads the name, though no policy file has changed" host_has hostname late-3
ok "and the machine ID" host_has machine-id "$other_id"
hostname_becomes early-4
machine_id_becomes "$first_id"
same "and so does a hook" denied-no-host-rule "$(gate_says)"
hostname_becomes late-4
kill -HUP "${process[xsavesd]}"
ok "and a SIGHUP" wait_for 5 host_has hostname late-4
