#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The gate: a guest whose definition the daemon could not change in time is refused, not started against the policy.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
policy_grant
daemon_up

file=$(xml_file_asking asking)
ok "a transient guest that asks for XSAVES and may not have it is refused" not create "$file"
ok "with the reason, in one line" refused asking denied-erratum-default
ok "it does not run" not runs asking
ok "nor did it print anything" not guest_has_printed "$host" asking

file=$(xml_file granted)
ok "a transient guest that should have XSAVES and would not is refused" not create "$file"
ok "with what to do about it, in one line" refused granted "xsavesctl rewrite"

on_host sh -c "xsavesctl rewrite $file >/run/guests/rewritten.xml" || note "xsavesctl rewrite failed"
guest_forget "$host" granted
ok "rewritten, it starts" try virsh -q create /run/guests/rewritten.xml
sees "it has XSAVES" granted yes

file=$(xml_file plain)
ok "a transient guest that the policy is not about starts" create "$file"
sees "it has no XSAVES" plain no
