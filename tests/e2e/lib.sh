# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For the cases beside it: each is a script of its own that speaks TAP, brings its host up, and leaves nothing. They need
# XSAVESD_BUILD, a build folder configured with --prefix=/usr --sysconfdir=/etc --libexecdir=libexec.
#
# What a guest sees is what its own CPUID printed. TCG does not offer XSAVES, so it stands for a host that masks it.

# shellcheck source=../sandbox/agent.sh
. "$(dirname "${BASH_SOURCE[0]}")/../sandbox/agent.sh"
# shellcheck source=../tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"

# The host that the functions below act on; a case with two hosts switches it.
host=rome

# A sanitizer or valgrind said something of the daemon. It ends before that is looked for: leaks are told at the end.
has_fault() {
    agent_down "$1"
    sandbox_service_log "$1" xsavesd | grep -qE 'Sanitizer|runtime error:|^==[0-9]+== '
}

e2e_end() {
    local status=$? name log

    for name in "${!sandbox_line[@]}"; do
        ! has_fault "$name" || ok "the daemon on $name has no fault in it" false
    done
    if ((tap_failed > 0 || (status != 0 && status != 77))); then
        for name in "${!sandbox_line[@]}"; do
            for log in xsavesd libvirtd; do
                note "$log on $name:"
                note "$(sandbox_service_log "$name" "$log" | tail -n 40)"
            done
        done
    fi
    sandbox_down_all
    ((status == 0)) || exit "$status"
    tap_end
}
trap e2e_end EXIT

on_host() { sandbox_in "$host" "$@"; }

# Nothing here takes long; what does has hung.
try() {
    said=$(on_host timeout 60 "$@" 2>&1)
}

host_up() {
    [[ -d ${XSAVESD_BUILD:-} ]] || bail "XSAVESD_BUILD does not name a build folder"
    agent_host_up "$host" "$XSAVESD_BUILD" || bail "no host"
}

daemon_up() { agent_up "$host" || bail "the daemon is not ready"; }

daemon_down() { agent_down "$host" || bail "the daemon did not stop"; }

property() { agent_property "$host" "$1"; }

property_is() { [[ $(property "$1") == "$2" ]]; }

policy() { agent_policy "$host"; }

# Guests named granted* get XSAVES on this host. LINE: one more key of the policy.
policy_grant() { policy_grant_with ""; }
policy_grant_with() {
    policy <<END
[policy]
virt-types = kvm qemu
$1

[host rome]
cpu = AuthenticAMD-23-49-*
xsaves = allow

[guest bench]
name = granted*
xsaves = allow
guest = never-uses-xsaves
END
}

# A rule for every guest, none for XSAVES: what the erratum asks for.
policy_none() {
    policy <<'END'
[policy]
virt-types = kvm qemu
END
}

definition() { on_host timeout 60 virsh -q dumpxml --inactive "$1"; }

definition_canonical() { definition "$1" | xmllint --c14n -; }

definition_has() { definition "$1" | grep -qF -- "$2"; }

# What gives a guest XSAVES where it is not offered: both, or the guest does not see it.
pair=("<feature policy='force' name='xsaves'/>" "<qemu:arg value='x86_64-cpu.x-force-features=on'/>")

definition_forces() { definition_has "$1" "${pair[0]}" && definition_has "$1" "${pair[1]}"; }

definition_forces_not() {
    local xml

    xml=$(definition "$1") && [[ $xml != *"${pair[0]}"* && $xml != *"${pair[1]}"* ]]
}

define() { guest_define "$host" "$@" || bail "cannot define $1"; }

# The same, asking for XSAVES in full.
define_asking() { define "$1" "$guest_forced_feature" "${guest_forced_args[@]}"; }

# Domain XML in a file; its path on the host.
xml_file() {
    local file=/run/guests/$1.xml

    guest_xml "$host" "$@" >"$(sandbox_dir "$host")$file" || bail "cannot write $1"
    printf '%s\n' "$file"
}

xml_file_asking() { xml_file "$1" "$guest_forced_feature" "${guest_forced_args[@]}"; }

start() {
    guest_forget "$host" "$1"
    try virsh -q start "$1"
}

create() {
    guest_forget "$host" "$(basename "$1" .xml)"
    try virsh -q create "$1"
}

save() { try virsh -q save "$1" "/run/guests/$1.save"; }

restore() {
    guest_forget "$host" "$1"
    try virsh -q restore "/run/guests/$1.save"
}

stop() { try virsh -q destroy "$1"; }

runs() { [[ $(on_host timeout 60 virsh -q domstate "$1" 2>/dev/null) == running ]]; }

# sees TEXT GUEST yes|no: whether the guest sees XSAVES.
sees() {
    local line

    if line=$(guest_prints "$host" "$2"); then
        same "$1" "$3" "$(guest_sees_xsaves "$host" "$2" "$line")"
        note "the guest printed: $line"
    else
        verdict "not ok" "$1"
        note "the guest printed nothing"
    fi
}

# refused GUEST TEXT: the last command was refused by the hook, in one line of ours that names the guest and says TEXT.
refused() {
    local line

    line=$(sed -n 's/.*unexpected exit status [0-9]*: *//p' <<<"$said")
    note "virsh said: $line"
    [[ $line == *"$1"* && $line == *"$2"* ]] || return 1
    # virsh: "Failed to …", then libvirt's message that ends with our line.
    (($(grep -c . <<<"$said") == 2))
}
