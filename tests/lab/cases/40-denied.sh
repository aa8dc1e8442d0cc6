# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm
# needs: package
#
# Each way to be denied, with its reason: in explain, in the error that whoever
# starts the guest sees, and in what a guest that does start gets.

rome="<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>EPYC-Rome</model></cpu>"
rome_forced="<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>EPYC-Rome</model><feature policy='force' name='xsaves'/></cpu>"
haswell="<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>Haswell-noTSX</model></cpu>"
haswell_forced="<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>Haswell-noTSX</model><feature policy='force' name='xsaves'/></cpu>"

policy_set "$allow_host
$(allow_guest none)
$(allow_guest aware erratum-aware)
$(allow_guest aware-rome erratum-aware)
$(allow_guest aware-haswell erratum-aware)
$(allow_guest model never-uses-xsaves)
$(allow_guest own-args never-uses-xsaves)
[guest barred]
name = barred
xsaves = deny
[guest left-alone]
name = left-alone
xsaves = keep"

# denied NAME REASON CPU [MORE]: a transient guest that asks for XSAVES.
denied() {
    local out
    guest_xml "$1" "$3" "${4:-$pair}" >"/run/$1.xml"
    if out=$(virsh -q create "/run/$1.xml" 2>&1); then
        fail "$1 started; it sees $(guest_sees "$1")"
    else
        evidence "$out"
        expect_match "$1: refused with $2" "$out" "xsavesd: .*'?$1'?.*$2"
    fi
    guest_gone "$1"
}

denied none denied-unacknowledged "$forced_cpu"
denied barred denied-by-guest-rule "$forced_cpu"
denied nobody denied-erratum-default "$forced_cpu"
denied aware-rome denied-cpu-mode "$rome_forced"
denied aware-haswell denied-inaccurate-fms "$haswell_forced"
denied model denied-cpu-mode "$haswell_forced"
denied own-args denied-custom-cpu-args "$forced_cpu" \
    "<qemu:commandline><qemu:arg value='-cpu'/><qemu:arg value='host,xsaves=on,x-force-features=on'/></qemu:commandline>"

# start_denied NAME REASON CPU: a persistent one, defined while no daemon is there to put it right. Its start brings the
# daemon back, and is refused by it, or by the hook itself where the machine takes longer for that than the hook waits.
start_denied() {
    local out
    systemctl stop xsavesd.service
    guest_define "$1" "$3" "$pair"
    out=$(guest_start "$1")
    evidence "$out"
    expect_match "virsh start $1: refused with $2, or as an outage" "$out" "xsavesd: .*'?$1'?.*($2|daemon-unreachable)"
    expect "virsh start $1: the daemon is back" eventually systemctl -q is-active xsavesd.service
    guest_gone "$1"
}

start_denied none denied-unacknowledged "$forced_cpu"
start_denied aware-haswell denied-inaccurate-fms "$haswell_forced"
start_denied model denied-cpu-mode "$haswell_forced"

# A persistent guest is put right instead, and starts without XSAVES.
guest_define none "$forced_cpu" "$pair"
expect "a definition that asks for XSAVES is put right" eventually gives disable guest_policy none xsaves
expect_equal "explain: the reason" "$(explain none reason)" denied-unacknowledged
guest_start none
line=$(guest_says none)
evidence "none: $line"
expect_match "and starts without XSAVES" "$line" " xsave=00000005 .*xss=none"
guest_gone none

# A named model that nobody has to deny anything starts, and has no XSAVES.
guest_define aware-haswell "$haswell"
expect_equal "another CPU's model: denied for its F/M/S" "$(explain aware-haswell reason)" denied-inaccurate-fms
guest_define aware-rome "$rome"
expect_equal "this CPU's model cannot be forced" "$(explain aware-rome reason)" denied-cpu-mode
guest_start aware-rome
line=$(guest_says aware-rome)
evidence "EPYC-Rome: $line"
expect_match "and starts, without XSAVES" "$line" " xsave=0000000[0-7] .*xss=none"
guest_gone aware-rome
guest_gone aware-haswell

# The right assertion, on the right CPU.
guest_define aware "$passthrough"
expect "erratum-aware with host-passthrough is granted" eventually guest_has_grant aware
guest_start aware
line=$(guest_says aware)
evidence "erratum-aware: $line"
expect_match "and sees XSAVES" "$line" "^fms=00830f10 xsave=0000000d .*ok$"
guest_gone aware

# Another host's rule, and a rule that says no.
policy_set "[host other]
hostname = rome-*
xsaves = allow
$(allow_guest win never-uses-xsaves)"
denied win denied-no-host-rule "$forced_cpu"
start_denied win denied-no-host-rule "$forced_cpu"
policy_set "[host lab]
hostname = bench-*
xsaves = deny
$(allow_guest win never-uses-xsaves)"
denied win denied-by-host-rule "$forced_cpu"

# A start that comes before the daemon could add the grant is refused once.
policy_set "$allow_host
$(allow_guest late never-uses-xsaves)"
guest_xml late "$passthrough" >/run/late.xml
out=$(virsh -q create /run/late.xml 2>&1)
evidence "$out"
expect_match "a transient guest without its grant is told what to do" "$out" "xsavesd: .*late.*xsavesctl rewrite"
xsavesctl rewrite /run/late.xml >/run/late-granted.xml
expect "with what xsavesctl rewrite made of it, it starts" virsh -q create /run/late-granted.xml
expect_match "and has XSAVES" "$(guest_says late)" " xsave=0000000d .*ok$"
guest_gone late

# Bad edits change nothing, and are reported.
guest_define late "$passthrough"
eventually guest_has_grant late
printf 'xsaves = nonsense\n' >/etc/xsavesd/policy.ini
eventually policy_is_bad
evidence "$(property PolicyError)"
expect_match "a bad policy is reported by file and line" "$(property PolicyError)" "policy.ini:1:"
expect "and the last good one stays in force" guest_has_grant late
guest_gone late
policy_reset
