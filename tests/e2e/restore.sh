#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A saved guest comes back only with what it may have here, and is not refused for what it never had.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
policy_grant
daemon_up

define granted-with
ok "the definition is changed" wait_for 30 definition_forces granted-with
ok "a guest starts" start granted-with
sees "it has XSAVES" granted-with yes
ok "it is saved" save granted-with

policy_none
ok "the policy is withdrawn" wait_for 30 definition_forces_not granted-with
ok "the saved guest is refused" not restore granted-with
ok "with the reason, in one line" refused granted-with denied-
ok "it does not run" not runs granted-with

define granted-without
ok "a guest without XSAVES starts" start granted-without
sees "it has none" granted-without no
ok "it is saved" save granted-without
policy_grant
ok "the policy allows both" wait_for 30 definition_forces granted-without
ok "the one without XSAVES comes back" restore granted-without
sees "still without: a CPU does not change under a guest" granted-without no
ok "the one with XSAVES comes back, too" restore granted-with
sees "with it" granted-with yes

stop granted-without
ok "at its next cold start" start granted-without
sees "the other one has XSAVES" granted-without yes
