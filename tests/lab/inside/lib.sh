# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the cases are written with. A case is sourced after this file.

pass() { printf 'PASS %s: %s\n' "$case_name" "$*"; }
fail() { printf 'FAIL %s: %s\n' "$case_name" "$*"; }
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

# eventually SECONDS COMMAND...: tries until it succeeds.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.2
    done
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
    local log=/var/log/libvirt/qemu/$1.serial size tries
    size=$(stat -c %s "$log" 2>/dev/null || echo 0)
    for ((tries = 0; tries < 150; tries++)); do
        if [[ $(tail -c +$((size + 1)) "$log" 2>/dev/null | wc -l) -ge 2 ]]; then
            tail -c +$((size + 1)) "$log" | sed -n '/^fms=.* xss=./p' | tail -n 1
            return 0
        fi
        sleep 0.1
    done
    echo "nothing within 15 s"
    return 1
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
