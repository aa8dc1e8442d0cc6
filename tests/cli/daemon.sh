#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xsavesctl with a daemon and a libvirtd of their own.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

export DBUS_SYSTEM_BUS_ADDRESS=$bus_address LC_ALL=C.UTF-8
steady="s|$base|BASE|g; s/(version|\"version\":|version=)( ?\"?)[0-9.]+/\1\2VERSION/; s/^[0-9:]{8}  /TIME  /"

masked_host
write_policy() {
    {
        granting_policy "$1"
        printf '[guest unsaid]\nname = unsaid\nxsaves = allow\n'
    } >"$base/etc/policy.ini"
}
write_policy ""

bus_up
libvirt_up
# The driver's own domain.
virsh_ destroy test >/dev/null
virsh_ undefine test >/dev/null
define granted-a ""
define asking "<feature policy='force' name='xsaves'/>"
define unsaid ""
define plain ""
daemon_up "$base/masked.facts"
all_there() { "$xsavesctl" list --json | grep -c '"definition": "converged"' | grep -qx 4; }
ok "every guest is known and in line" wait_for 60 all_there

prints status "status" status
prints status-json "status as JSON" status --json
prints list "list" list
prints list-json "list as JSON" list --json
COLUMNS=44 prints list-narrow "list in 44 columns" list
prints list-bare "list without headings" list --no-legend
prints guest-explained "a guest, explained" explain unsaid
prints guest-explained-json "as JSON" explain --json asking
prints nobody-explained "a guest that is not there" explain nobody
prints metrics "metrics" metrics
same "the facts of the daemon's host" "$(facts no)" "$("$xsavesctl" host --facts | sed '/hypervisor-cpuid/,$d' | sed '$!b; /^$/d')"
prints reload "reload says nothing" reload
generation=$(generation)
"$xsavesctl" reload
touch "$base/etc/policy.ini"
cp "$base/etc/policy.ini" "$base/etc/policy.ini.new" && mv "$base/etc/policy.ini.new" "$base/etc/policy.ini"

# The test driver forgets <qemu:commandline>, so the pair that goes with force is to be written for ever.
prints dry-run "converge --dry-run" converge --dry-run
prints dry-run-one "of guests by name" converge --dry-run asking plain nobody
prints dry-run-json "as JSON" converge --dry-run --json granted-a nobody
prints diff "diff" diff
prints diff-one "diff of one" diff asking
prints diff-json "diff as JSON" diff --json granted-a
prints diff-ordinary "of one that is as its owner wrote it" diff plain
prints diff-nobody "diff of one that is not there" diff nobody

prints reverted "revert" revert asking nobody
ok "it is as its owner wrote it" has asking "policy='force' name='xsaves'"
prints list-reverted "the list tells" list
prints converged "converge" converge asking
ok "it is in line again" has asking "policy='disable' name='xsaves'"
prints reverted-all "revert --all" revert --all
ok "none has our record" not has asking urn:xsavesd
prints converged-all-json "converge as JSON" converge --json asking plain

domain granted-new "" >"$base/new.xml"
prints rewrite-there "rewrite by the daemon" rewrite "$base/new.xml"
prints rewrite-there-json "as JSON" rewrite --json "$base/new.xml"
printf '<domain' >"$base/cut.xml"
prints rewrite-there-cut "of bad XML" rewrite "$base/cut.xml"
same "by address as well" "$("$xsavesctl" list)" \
    "$(DBUS_SYSTEM_BUS_ADDRESS=unix:path=/none "$xsavesctl" --bus "$bus_address" list)"

"$xsavesctl" monitor >"$base/monitor" 2>&1 &
process[monitor]=$!
"$xsavesctl" monitor --json >"$base/monitor.json" 2>&1 &
process[monitor_json]=$!
both_watch() {
    manager Gate sss prepare begin "$(domain plain "")" >/dev/null
    [[ -s $base/monitor && -s $base/monitor.json ]]
}
ok "two monitors watch" wait_for 60 both_watch
manager Gate sss prepare begin "$(domain_forced asking)" >/dev/null
write_policy "nonsense = yes"
prints reload-refused "a policy that is refused, at reload" reload
ok "status tells" wait_for 60 sh -c "'$xsavesctl' status | grep -q 'policy.ini:3: '"
same "no number is given to what is the same, or refused" "$generation" "$(generation)"
prints status-refused "in full" status
prints metrics-refused "metrics tell as well" metrics
write_policy "enforce = no"
"$xsavesctl" reload
prints status-lenient "status of a policy that does not enforce" status
ok "the monitor has seen it" wait_for 60 grep -q "is in force" "$base/monitor"
stop xsavesd
ok "and that the daemon is gone" wait_for 60 grep -q "the daemon has gone" "$base/monitor"
stop monitor
stop monitor_json
# An edit is seen by itself and at the reload, by either first, and told once. How often it was asked for plain is not ours.
once() { awk '/plain/ && seen++ { next } { print }'; }
said=$(sed -E "$steady" "$base/monitor" | once)
[[ -z ${XSAVESD_UPDATE:-} ]] || printf '%s\n' "$said" >"$data/expected/monitor"
same "the monitor" "$(<"$data/expected/monitor")" "$said"
said=$(sed -E "$steady" "$base/monitor.json" | once)
[[ -z ${XSAVESD_UPDATE:-} ]] || printf '%s\n' "$said" >"$data/expected/monitor-json"
same "the monitor as JSON" "$(<"$data/expected/monitor-json")" "$said"

exits 3 "without the daemon: list" list
exits 3 "without the daemon: status" status
