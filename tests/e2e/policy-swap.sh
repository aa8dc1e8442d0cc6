#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A policy that a configuration manager swaps by a symlink is picked up, folder and file.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up

# As Kubernetes mounts a ConfigMap: policy.ini points through ..data into the folder of its generation.
etc=/etc/xsavesd
policy_none
on_host sh -ec "mkdir $etc/..1 $etc/..2 && mv $etc/policy.ini $etc/..1"
policy_grant
on_host sh -ec "mv $etc/policy.ini $etc/..2 && ln -s ..1 $etc/..data && ln -s ..data/policy.ini $etc/policy.ini"

swap() { on_host sh -ec "ln -s ..$1 $etc/..next && mv -T $etc/..next $etc/..data"; }

daemon_up
define granted
ok "the guest starts under the first policy" start granted
sees "it has no XSAVES" granted no
stop granted

swap 2
ok "the swapped policy is picked up" wait_for 30 definition_forces granted
ok "the guest starts" start granted
sees "it has XSAVES" granted yes
stop granted

swap 1
ok "so is the swap back" wait_for 30 definition_forces_not granted
ok "the guest starts" start granted
sees "it has no XSAVES" granted no

# The same for a file in policy.d.
on_host sh -ec "mkdir -p $etc/policy.d && ln -s ../..2/policy.ini $etc/policy.d/10-bench.ini"
ok "so is a file that appears in policy.d" wait_for 30 definition_forces granted
on_host rm "$etc/policy.d/10-bench.ini"
ok "and one that goes" wait_for 30 definition_forces_not granted
