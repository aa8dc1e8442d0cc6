# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the cases are written with. A case is sourced after this file.

pass() { printf 'ok - %s: %s\n' "$case_name" "$*"; }
fail() { printf 'not ok - %s: %s\n' "$case_name" "$*"; }
evidence() { printf '#   %s\n' "${*//$'\n'/$'\n'#   }"; }

# expect WHAT COMMAND...: the command succeeds.
expect() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then
        pass "$what"
    else
        fail "$what (status $?)"
        evidence "$* said: $out"
    fi
}

# expect_fail WHAT COMMAND...
expect_fail() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then
        fail "$what"
        evidence "$* said: $out"
    else
        pass "$what"
    fi
}

# expect_equal WHAT GOT WANTED
expect_equal() {
    if [[ $2 == "$3" ]]; then
        pass "$1"
    else
        fail "$1"
        evidence "got:    $2"
        evidence "wanted: $3"
    fi
}

# expect_match WHAT TEXT REGEX
expect_match() {
    if [[ $2 =~ $3 ]]; then
        pass "$1"
    else
        fail "$1"
        evidence "got:    $2"
        evidence "wanted: $3"
    fi
}

# How long anything may take that has to come at all. Only a failure takes it; the machine may be slow.
patience=300

# eventually COMMAND...: tries until it succeeds.
eventually() {
    local end=$((SECONDS + patience))
    until "$@" >/dev/null 2>&1; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.2
    done
}

# gives WANTED COMMAND...: the command's output is that; for use with eventually.
gives() {
    local wanted=$1
    shift
    [[ $("$@") == "$wanted" ]]
}

# What the machine has on disk, without what comes and goes with any work.
list_files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /srv -o -path /lab -o -path /var/tmp \
        -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/apt \
        -o -path /var/lib/libvirt -o -path /etc/apparmor.d/libvirt -o -path /etc/libvirt/qemu -o -path /var/lib/systemd/timers \) \
        -prune -o -print | LC_ALL=C sort
}

# host_cpuid LEAF SUBLEAF: EAX of this machine, as 0x5; wants the module cpuid.
host_cpuid() {
    local eax
    eax=$(dd if=/dev/cpu/0/cpuid bs=16 count=1 iflag=skip_bytes skip=$((($2 << 32) + $1)) status=none |
        od -An -tu4 -N4)
    printf '0x%x' "$eax"
}

# ---- guests

# The <cpu> that most cases have.
passthrough="<cpu mode='host-passthrough'/>"
# The pair that makes QEMU keep a feature that KVM does not offer.
pair="<qemu:commandline><qemu:arg value='-global'/><qemu:arg value='x86_64-cpu.x-force-features=on'/></qemu:commandline>"
forced_cpu="<cpu mode='host-passthrough'><feature policy='force' name='xsaves'/></cpu>"

# guest_xml NAME CPU [MORE]: a definition; its disk and its serial log are its own.
guest_xml() {
    cp "${guest_image:-/lab/guest.bin}" "/srv/guests/$1.img"
    chmod 666 "/srv/guests/$1.img"
    cat <<XML
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$1</name>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  $2
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/srv/guests/$1.img'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'><source path='/var/log/libvirt/qemu/$1.serial'/></serial>
    <memballoon model='none'/>
  </devices>
  ${3:-}
</domain>
XML
}

# guest_define NAME CPU [MORE]
guest_define() {
    guest_xml "$@" >"/run/$1.xml"
    virsh -q define "/run/$1.xml" >/dev/null
}

# guest_says NAME: a line that the guest printed after this was asked.
guest_says() {
    local log=/var/log/libvirt/qemu/$1.serial size line
    size=$(stat -c %s "$log" 2>/dev/null || echo 0)
    # The first may have been cut by where this began.
    line=$(timeout "$patience" tail -c "+$((size + 1))" -F "$log" 2>/dev/null | sed -n '1d; /^fms=.* xss=/ { p; q }')
    printf '%s\n' "${line:-nothing within $patience s}"
    [[ -n $line ]]
}

# guest_sees NAME: CPUID.(0DH,1):EAX as the running guest has it now, as 0x5.
guest_sees() {
    local line
    line=$(guest_says "$1") || return 1
    line=${line#*xsave=}
    printf '0x%x' "0x${line%% *}"
}

# guest_start NAME: start, and what virsh said where it failed.
guest_start() { virsh -q start "$1" 2>&1; }

# virsh_said ARGUMENT...: what virsh says to it, by the daemon's own decision. A call of the hook starts a daemon that does
# not run; a slow machine may take longer for that than the hook waits.
virsh_said() {
    local out
    out=$(virsh -q "$@" 2>&1)
    if [[ $out == *daemon-unreachable* ]]; then
        evidence "$out" >&2
        eventually systemctl -q is-active xsavesd.service
        out=$(virsh -q "$@" 2>&1)
    fi
    printf '%s\n' "$out"
}

guest_stop() { virsh -q destroy "$1" 2>&1; }

guest_gone() {
    virsh -q destroy "$1" >/dev/null 2>&1
    virsh -q undefine --managed-save --nvram --snapshots-metadata "$1" >/dev/null 2>&1
    rm -f "/srv/guests/$1".* "/var/log/libvirt/qemu/$1.serial"
}

guests_away() {
    local guest
    for guest in $(timeout 30 virsh -q list --all --name); do
        guest_gone "$guest"
    done
}

# guest_xml_now NAME: the definition of the next start, with what virsh hides.
guest_xml_now() { virsh -q dumpxml --inactive --security-info "$1"; }

# guest_xpath NAME XPATH
guest_xpath() { guest_xml_now "$1" | xmllint --xpath "$2" - 2>/dev/null; }

# guest_policy NAME FEATURE: the policy of a CPU feature in the definition.
guest_policy() { guest_xpath "$1" "string(//cpu/feature[@name='$2']/@policy)"; }

# Whether the definition has the forced grant, whole.
guest_has_grant() {
    [[ $(guest_policy "$1" xsaves) == force ]] &&
        guest_xpath "$1" "//*[local-name()='arg'][@value='x86_64-cpu.x-force-features=on']" >/dev/null
}
guest_has_no_grant() { ! guest_has_grant "$1"; }
guest_is_defined() { virsh -q dominfo "$1" >/dev/null 2>&1; }

# ---- policy and daemon

manager="org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager"
# Kept by the case that installs the package: the policy as shipped.
shipped=/srv/policy.ini

# The examples of section 4: this host may, and guests named NAME may.
allow_host="
[host lab]
hostname = bench-*
cpu = AuthenticAMD-23-49-*
xsaves = allow
"
# allow_guest NAME ASSERTION
allow_guest() {
    printf '[guest %s]\nname = %s\nxsaves = allow\n' "$1" "$1"
    [[ -z ${2:-} ]] || printf 'guest = %s\n' "$2"
}

property() {
    # shellcheck disable=SC2086
    busctl get-property $manager "$1" | cut -d ' ' -f 2-
}

# policy_set TEXT: edits /etc/xsavesd/policy.ini, as an editor does, and does
# nothing else but wait until the daemon has seen it.
policy_set() {
    local before
    before=$(property PolicyGeneration)
    printf '%s\n' "$1" >/etc/xsavesd/.new
    mv /etc/xsavesd/.new /etc/xsavesd/policy.ini
    policy_wait "$before"
}

policy_reset() {
    local before
    before=$(property PolicyGeneration)
    cp "$shipped" /etc/xsavesd/policy.ini
    policy_wait "$before"
}

policy_newer() { [[ $(property PolicyGeneration) != "$1" ]]; }
policy_wait() {
    eventually policy_newer "$1" || fail "the daemon has not seen an edit of the policy within $patience s"
}

policy_is_good() { [[ $(property PolicyError) == '""' ]]; }
policy_is_bad() { [[ $(property PolicyError) == '"'?*'"' ]]; }

daemon_is_not() { [[ $(daemon_pid) != "$1" && $(daemon_pid) != 0 ]]; }
daemon_answers() { property Version; }
daemon_pid() { systemctl show -P MainPID xsavesd.service; }

# explain NAME KEY
explain() { xsavesctl explain --json "$1" | jq -r --arg key "$2" '.[$key] // "null"'; }
