#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# While the daemon is down, a guest that asks for XSAVES does not start and any other does; where Linux has XSAVES on such a
# CPU, none does that does not turn it off.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# With systemd the bus would start the daemon; here it cannot.
host_up
policy_none

# TREE: what the host's Linux says of its CPU, from tests/data/host/trees.
cpuinfo() {
    cp "$(dirname "$0")/../data/host/trees/$1/proc/cpuinfo" "$(sandbox_dir "$host")/run/cpuinfo.$1"
    on_host mount --bind "/run/cpuinfo.$1" /proc/cpuinfo || bail "no other /proc/cpuinfo"
}
cpuinfo zen2-masked

define plain
define_asking asking
ok "a guest that does not ask for XSAVES starts" start plain
sees "it has no XSAVES" plain no

ok "one that asks is refused" not start asking
ok "libvirt's error says so in one line" refused asking xsavesd
ok "it does not run" not runs asking
ok "nor did it print anything" not guest_has_printed "$host" asking

stop plain
cpuinfo cpuinfo-alone
define off "<feature policy='disable' name='xsaves'/>"
ok "Linux has XSAVES: one that would see what KVM offers is refused" not start plain
ok "in one line" refused plain daemon-unreachable
ok "it does not run" not runs plain
ok "one that turns XSAVES off starts" start off
sees "it has no XSAVES" off no
stop off
on_host umount /proc/cpuinfo

# The daemon accepts it with the definition that it makes of it.
daemon_up
ok "back, the daemon re-defines it" wait_for 30 definition_forces_not asking
ok "and it starts" start asking
sees "without XSAVES" asking no
stop asking

# A daemon that hangs is one that is down, after a limit.
define_asking asking
ok "re-defined again" wait_for 30 definition_forces_not asking
sandbox_service_signal "$host" xsavesd STOP
began=$(date +%s%N)
ok "with a daemon that hangs, a guest that does not ask starts" start plain
took=$((($(date +%s%N) - began) / 1000000))
note "in $took ms"
# Two seconds at prepare, one at start, none at started; the rest is libvirt's and QEMU's.
ok "it takes three seconds more, and not five for each of its hooks" test "$took" -lt 8000
sees "it has no XSAVES" plain no
file=$(xml_file_asking transient)
ok "one that asks is refused" not create "$file"
ok "in one line" refused transient xsavesd
sandbox_service_signal "$host" xsavesd CONT
