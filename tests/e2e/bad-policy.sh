#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A mistake in an edited policy changes nothing and is told; when it is mended, the new policy holds.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

reported() { [[ $(on_host xsavesctl status 2>&1) == *"$1"* ]]; }

host_up
policy_grant
daemon_up
define granted
ok "the definition is changed" wait_for 30 definition_forces granted
generation=$(property PolicyGeneration)

policy <<'END'
[policy]
virt-types = kvm qemu

[guest bench]
name = granted*
xsave = allow
END
ok "status tells file and line of the mistake" wait_for 30 reported policy.ini:6:
note "$(on_host xsavesctl status 2>&1 | grep policy.ini:)"
same "no new policy is in force" "$generation" "$(property PolicyGeneration)"
ok "the definition is as the last good policy wants it" definition_forces granted
ok "the guest starts" start granted
sees "it has XSAVES" granted yes

policy_none
ok "mended, the new policy holds" wait_for 30 definition_forces_not granted
ok "and no mistake is told any more" not reported policy.ini:6:

# At start there is no last good policy.
policy_grant
ok "granted again" wait_for 30 definition_forces granted
daemon_down
echo "nonsense" | policy
daemon_up
ok "a daemon that starts with a bad policy says so" wait_for 30 reported policy.ini:1:
