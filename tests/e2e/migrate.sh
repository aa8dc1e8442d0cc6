#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Live migration between two hosts. With a grant on both sides the guest keeps XSAVES; a destination that denies it refuses,
# and the guest runs on where it is.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

migrate() {
    guest_forget milan granted
    try virsh -q migrate --live --unsafe --persistent granted "$(sandbox_uri milan)" tcp://127.0.0.1
}

host_up
policy_grant
daemon_up
host=milan
host_up
policy_grant
sed -i 's/^\[host rome\]/[host milan]/' "$(sandbox_dir milan)/run/facts.ini"
daemon_up

# Both see the disk and the serial port's file under the same path.
share() {
    guest_xml milan granted >/dev/null
}

host=rome
define granted
share
ok "the definition is changed" wait_for 10 definition_forces granted
ok "the guest starts on the first host" start granted
sees "it has XSAVES" granted yes

host=milan
generation=$(property PolicyGeneration)
policy_none
ok "the second host takes its grant away" wait_for 10 not property_is PolicyGeneration "$generation"
host=rome
ok "a migration to it is refused" not migrate
note "virsh said: $said"
ok "by the second host's hook" grep -q "granted.*denied-erratum-default" <<<"$said"
ok "the guest runs on" runs granted
guest_forget rome granted
sees "with XSAVES" granted yes

host=milan
generation=$(property PolicyGeneration)
policy_grant
ok "the second host grants it again" wait_for 10 not property_is PolicyGeneration "$generation"
host=rome
ok "the guest migrates" migrate
ok "it is gone here" not runs granted
host=milan
ok "and runs there" runs granted
sees "with XSAVES" granted yes
ok "where its definition has the grant" wait_for 10 definition_forces granted
ok "it stops" stop granted
ok "and starts there" start granted
sees "with XSAVES" granted yes
