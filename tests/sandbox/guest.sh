# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests for a sandbox that tell what their own CPUID shows (cpuid-guest.S). To be sourced; brings sandbox.sh along.
#
#   guest_xml HOST NAME [FEATURES [QEMU-ARG…]]  domain XML on stdout; makes the guest's disk on that host. FEATURES goes
#                               into its <cpu mode='maximum'>
#   guest_define HOST NAME [FEATURES [QEMU-ARG…]]   the same, defined
#   guest_disk HOST NAME [GCC-OPTION…]   makes the disk anew: with -DSECOND_CPU it tells of the guest's second CPU
#   guest_forget HOST NAME      what the guest printed so far counts no more; before each start or restore
#   guest_prints HOST NAME      the newest line that the guest printed since then; waits for one
#   guest_sees_xsaves HOST NAME [LINE]  prints yes or no: bit 3 of CPUID.(0DH,1):EAX in such a line

# shellcheck source=../sandbox/sandbox.sh
. "$(dirname "${BASH_SOURCE[0]}")/sandbox.sh"

# Both are needed: QEMU drops a feature that the accelerator does not offer unless it is told to force all of them.
# shellcheck disable=SC2034 # for the callers
guest_forced_feature="<feature policy='force' name='xsaves'/>"
# shellcheck disable=SC2034
guest_forced_args=(-global x86_64-cpu.x-force-features=on)

guest_output() { printf '%s\n' "$sandbox_base/$1/run/guests/$2.out"; }

# Each guest has a copy of the disk, since QEMU locks it.
guest_disk() {
    local image=$sandbox_base/$1/run/guests/$2.img

    shift 2
    gcc -m32 "$@" -c -o "$image.o" "$sandbox_source/cpuid-guest.S" &&
        ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o "$image" "$image.o" &&
        rm -f "$image.o"
}

guest_xml() {
    local host=$1 name=$2 features=${3:-} uuid arg

    shift 2
    shift $(($# > 0))
    guest_disk "$host" "$name" || return 1
    uuid=$(sandbox_uuid "guest $name")

    cat <<END
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$name</name>
  <uuid>$uuid</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
  </os>
  <cpu mode='maximum'>$features</cpu>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/run/guests/$name.img'/>
      <target dev='hda' bus='ide'/>
    </disk>
    <controller type='usb' model='none'/>
    <serial type='file'>
      <source path='/run/guests/$name.out'/>
    </serial>
    <memballoon model='none'/>
  </devices>
END
    if (($# > 0)); then
        echo "  <qemu:commandline>"
        for arg; do
            echo "    <qemu:arg value='$arg'/>"
        done
        echo "  </qemu:commandline>"
    fi
    echo "</domain>"
}

guest_define() {
    local file=$sandbox_base/$1/run/guests/$2.xml

    guest_xml "$@" >"$file" && sandbox_in "$1" virsh -q define "/run/guests/$2.xml"
}

guest_forget() {
    : >"$(guest_output "$1" "$2")"
}

# The newest whole line. A guest that ran when its output was forgotten leaves NUL bytes and perhaps the rest of a line.
guest_last_line() {
    tr -d '\0' <"$(guest_output "$1" "$2")" 2>/dev/null |
        sed -nE 's/^(([0-9a-f]{8} ){3}(-|#GP|[0-9a-f]{8})) ?$/\1/p' | tail -n 1
}

guest_has_printed() { [[ -n $(guest_last_line "$1" "$2") ]]; }

guest_prints() {
    wait_for "${GUEST_TIMEOUT:-20}" guest_has_printed "$1" "$2" || return 1
    guest_last_line "$1" "$2"
}

guest_sees_xsaves() {
    local line=${3:-} eax

    [[ -n $line ]] || line=$(guest_prints "$1" "$2") || { echo "nothing printed"; return 1; }
    read -r _ eax _ <<<"$line"
    if ((0x$eax & 8)); then echo yes; else echo no; fi
}
