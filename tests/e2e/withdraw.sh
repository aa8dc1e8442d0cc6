#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# When the policy is withdrawn the next start is without XSAVES, and the definition is as it was.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
policy_none
daemon_up
define granted
before=$(definition_canonical granted)
policy_grant
ok "the definition is changed" wait_for 30 definition_forces granted
ok "the guest starts" start granted
sees "it has XSAVES" granted yes

policy_none
ok "the change is taken back" wait_for 30 definition_forces_not granted
same "all of it" "$before" "$(definition_canonical granted)"
ok "the running guest goes on" runs granted
sees "with the XSAVES it started with" granted yes

stop granted
ok "the guest starts again" start granted
sees "it has no XSAVES" granted no
