#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# enter.sh BUILD [COMMAND…]: a shell, or a command, on an emulated Zen 2 host with xsavesd installed from that build folder
# (configured with --prefix=/usr --sysconfdir=/etc --libexecdir=libexec) and running. All is gone when it ends.
#
# Two guests are defined there, "plain" and "asking" (for XSAVES); what they print is in /run/guests/NAME.out. Guests of
# the domain type qemu are governed: the policy says so, and else nothing.

set -u

# shellcheck source=agent.sh
. "$(dirname "$0")/agent.sh"

host=rome
build=${1:?usage: enter.sh BUILD [COMMAND…]}
shift
(($# > 0)) || set -- bash -i

agent_host_up "$host" "$(realpath "$build")" || exit 1
agent_policy "$host" <<'END'
[policy]
virt-types = kvm qemu
END
agent_up "$host" || { sandbox_service_log "$host" xsavesd >&2; exit 1; }
guest_define "$host" plain
guest_define "$host" asking "$guest_forced_feature" "${guest_forced_args[@]}"
sandbox_in "$host" "$@"
