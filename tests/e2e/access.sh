#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may do what on the system bus: root, a member of group libvirt, anybody else. polkit does not run here, so that none but
# root gets what takes its consent.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# as USER COMMAND…
as() {
    local user=$1

    shift
    said=$(on_host setpriv --reuid "$user" --regid "$user" --init-groups "$@" 2>&1)
}
call() {
    local user=$1

    shift
    as "$user" busctl --system --timeout=20 call org.xsavesd1 /org/xsavesd1 "$@"
}
manager() {
    local user=$1

    shift
    call "$user" org.xsavesd1.Manager "$@"
}
denied() { ! manager "$@" && grep -qiE "denied|not authorized|not allowed" <<<"$said"; }

host_up
policy_grant
daemon_up
on_host useradd --system --user-group stranger || bail "no user"
on_host useradd --system --user-group --groups libvirt watcher || bail "no user"
define granted
ok "a guest is in line" wait_for 10 definition_forces granted
xml=$(definition granted)

for user in stranger watcher; do
    ok "$user may not ask the gate" denied "$user" Gate sss prepare begin "$xml"
    ok "$user may not tell it that a guest was started" denied "$user" Gate sss started begin "$xml"
    ok "$user may not converge" denied "$user" Converge bas true 0
    ok "$user may not revert" denied "$user" Revert as 0
    ok "$user may not reload" denied "$user" Reload
done
ok "a stranger may not list the guests" denied stranger ListGuests
ok "nor have one explained" denied stranger Explain s granted
ok "nor have XML rewritten" denied stranger Rewrite s "$xml"
ok "nor read a property" not call stranger org.freedesktop.DBus.Properties Get ss org.xsavesd1.Manager Host
ok "nor take the name" not as stranger busctl --system call org.freedesktop.DBus /org/freedesktop/DBus \
    org.freedesktop.DBus RequestName su org.xsavesd1 4

ok "a member of libvirt may list the guests" manager watcher ListGuests
ok "and have one explained" manager watcher Explain s granted
ok "and have XML rewritten" manager watcher Rewrite s "$xml"
ok "and read a property" call watcher org.freedesktop.DBus.Properties Get ss org.xsavesd1.Manager Host
ok "and the status" as watcher xsavesctl status
ok "but not set one" not call watcher org.freedesktop.DBus.Properties Set ssv org.xsavesd1.Manager Enforce b false

# Signals name guests. Each of the two hears the bus itself, too: what it was not sent, it was not sent by the rules.
hear() {
    sandbox_service_up "$host" "heard-$1" setpriv --reuid "$1" --regid "$1" --init-groups dbus-monitor --system \
        "type='signal',sender='org.xsavesd1'" "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"
}
heard() { sandbox_service_log "$host" "heard-$1" | grep -c "^signal .*member=$2\$"; }
has_heard() { (($(heard "$1" "$2") > ${3:-0})); }
a_client() { on_host busctl --system status >/dev/null 2>&1; }
hears_a_client() { a_client; has_heard "$1" NameOwnerChanged; }
for user in stranger watcher; do
    ok "$user listens" hear "$user"
    ok "$user hears of clients that come and go" wait_for 10 hears_a_client "$user"
done
on_host sh -c 'echo "; another text" >>/etc/xsavesd/policy.ini'
manager root Reload
manager root Gate sss prepare begin "$xml"
for signal in PolicyLoaded Decided; do
    ok "a member of libvirt hears $signal" wait_for 10 has_heard watcher "$signal"
done
before=$(heard stranger NameOwnerChanged)
a_client
ok "after them a stranger hears of a client" wait_for 10 has_heard stranger NameOwnerChanged "$before"
for signal in PolicyLoaded Decided PropertiesChanged; do
    same "but not $signal" 0 "$(heard stranger "$signal")"
done
for user in stranger watcher; do
    sandbox_service_down "$host" "heard-$user"
done

ok "root may ask the gate" manager root Gate sss prepare begin "$xml"
ok "and converge" manager root Converge bas false 0
ok "and reload" manager root Reload
ok "and revert" manager root Revert as 1 granted
ok "which takes the grant out" definition_forces_not granted
ok "until the next change" manager root Converge bas false 1 granted
ok "puts it back" definition_forces granted

# A member of libvirt may define domains, and so forge a record: it gets nothing that the policy does not give.
file=$(xml_file_asking forged)
sed -i "s|  <memory |  <metadata><x:domain xmlns:x='urn:xsavesd:domain:1' verdict='grant' reason='granted-forced' rule='bench'><x:feature name='xsaves' set='force' was='force'/></x:domain></metadata>\n  <memory |" \
    "$(sandbox_dir "$host")$file"
ok "a forged record does not pass the gate" not create "$file"
ok "with the reason" refused forged denied-erratum-default
