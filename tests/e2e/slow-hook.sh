#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libvirt holds a domain's lock while the domain's hooks run, and whoever lists all domains waits for it. With a hook of
# somebody else that takes its time, the libvirt thread waits; the gate does not, nor do other guests. Meanwhile other clients
# use libvirt without pause.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

slow_hook() {
    # shellcheck disable=SC2016 # the hook's own
    on_host sh -c 'cat >/etc/libvirt/hooks/qemu.d/a-slow-one && chmod +x /etc/libvirt/hooks/qemu.d/a-slow-one' <<'END'
#!/bin/sh
cat >/dev/null
[ "$1 $2" = "slow prepare" ] || exit 0
: >/run/slow-hook-runs
while [ ! -e /run/slow-hook-ends ]; do sleep 0.1; done
rm -f /run/slow-hook-runs
END
}

hook_runs() { on_host test -e /run/slow-hook-runs; }

host_up
slow_hook
policy_grant
daemon_up
sandbox_service_up "$host" busy sh -c 'while :; do virsh -q list --all; virsh -q dumpxml granted; done'

define granted
define slow
ok "the definition is changed" wait_for 10 definition_forces granted
on_host timeout 60 virsh -q start slow >/dev/null 2>&1 &
start=$!
ok "somebody's hook holds a start up" wait_for 10 hook_runs

generation=$(property PolicyGeneration)
policy <<'END'
[policy]
virt-types = kvm qemu

[host rome]
hostname = rome
xsaves = allow

[guest other]
name = granted
xsaves = allow
guest = never-uses-xsaves
END
ok "a new policy is taken" wait_for 10 not property_is PolicyGeneration "$generation"
begin=$(date +%s%N)
ok "the gate answers" try busctl call org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager Gate sss prepare begin \
    "<domain type='qemu'><name>other</name></domain>"
note "in $((($(date +%s%N) - begin) / 1000000)) ms, with all of busctl"
ok "another guest starts" start granted
sees "with XSAVES" granted yes
asking=$(xml_file_asking asking)
ok "one that asks against the policy does not" not create "$asking"
ok "with the reason" refused asking denied-erratum-default
ok "all the while the hook was at it" hook_runs

on_host touch /run/slow-hook-ends
ok "in the end the first one starts" wait "$start"
define_asking late
ok "and the libvirt thread goes on" wait_for 20 definition_forces_not late
