#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The agent goes away: with `xsavesctl revert --all` the definitions are as their owners wrote them, and the daemon leaves them so.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

names=(granted granted-too asking plain)

all_definitions() {
    local name

    for name in "${names[@]}"; do definition_canonical "$name"; done
}

note_is() { [[ $(on_host xsavesctl list | sed -nE "s/^$1 .* (running|shutoff) *//p") == "$2" ]]; }

host_up
policy_grant
define granted
define granted-too "<feature policy='disable' name='aes'/>"
define_asking asking
define plain
written=$(all_definitions)

daemon_up
ok "one is granted" wait_for 10 definition_forces granted
ok "another, too" wait_for 10 definition_forces granted-too
ok "one is denied" wait_for 10 definition_forces_not asking

# Its next start would not show it XSAVES either: there is nothing to restart it for.
ok "that one starts" start asking
sees "without XSAVES" asking no
ok "it is reverted while it runs" try xsavesctl revert asking
ok "its definition asks again" definition_forces asking
ok "which is all that is noted" wait_for 10 note_is asking pending
sleep 1
ok "and stays so" note_is asking pending
ok "it stops" stop asking

ok "one is reverted" try xsavesctl revert granted
ok "its grant is gone" definition_forces_not granted
ok "the other's is not" definition_forces granted-too

ok "all are reverted" try xsavesctl revert --all
same "and are as their owners wrote them" "$written" "$(all_definitions)"
# What libvirt tells of our own definitions must not set the daemon to work again.
ok "an edit of another guest is seen to" define_asking late
ok "in time" wait_for 10 definition_forces_not late
same "the others stay as they are" "$written" "$(all_definitions)"
ok "one that asks still does not start" not start asking
ok "with the reason" refused asking denied-erratum-default

daemon_down
ok "without the daemon an ordinary guest starts" start plain
sees "without XSAVES" plain no
