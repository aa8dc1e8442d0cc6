#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests that were defined before the daemon runs, or before the policy allows them, get XSAVES too.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
policy_none
define granted-early
daemon_up
define granted-later
ok "a guest without a rule starts" start granted-early
sees "it has no XSAVES" granted-early no

policy_grant
ok "the policy is picked up: the running guest's definition is changed" wait_for 30 definition_forces granted-early
ok "so is the other one's" wait_for 30 definition_forces granted-later
sees "the running guest goes on as it was" granted-early no
stop granted-early
ok "it starts again" start granted-early
sees "it has XSAVES now" granted-early yes
ok "the other one starts" start granted-later
sees "it has XSAVES" granted-later yes

stop granted-later
daemon_down
define granted-meanwhile
daemon_up
ok "a guest defined while the daemon was down is changed when it is back" wait_for 30 definition_forces granted-meanwhile
