#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Without a word about a guest in the policy it gets no XSAVES, not even when its definition asks for it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
daemon_up

define plain
ok "with the policy as installed, a guest starts" start plain
sees "it has no XSAVES" plain no
stop plain

policy_none
before=$(definition_canonical plain)
define_asking asking
ok "a definition that asks for XSAVES is re-defined without" wait_for 30 definition_forces_not asking
ok "and records it" definition_has asking urn:xsavesd:domain:1
ok "it starts" start asking
sees "it has no XSAVES" asking no

ok "the other guest starts" start plain
sees "it has no XSAVES" plain no
same "and its definition was left alone" "$before" "$(definition_canonical plain)"
