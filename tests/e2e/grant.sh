#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest that the policy allows sees XSAVES on a host that does not offer it, and goes on seeing it after a restore.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
policy_grant
daemon_up

define granted
define other
ok "the definition is changed" wait_for 30 definition_forces granted
ok "and says by whom" definition_has granted urn:xsavesd:domain:1
ok "the guest starts" start granted
sees "it has XSAVES" granted yes

ok "it is saved" save granted
ok "it is restored" restore granted
sees "it still has XSAVES" granted yes

ok "it stops" stop granted
ok "it starts again" start granted
sees "it has XSAVES again" granted yes

ok "a guest that no rule names starts" start other
sees "it has no XSAVES" other no
