#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Ways past the gate: each is shown to give a guest XSAVES where the policy does not govern it, and is refused where it does.
# And what looks like one and is none: those guests start.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

policy_of_others() {
    policy <<'END'
[policy]
virt-types = kvm
END
}

policy_keep() {
    policy <<'END'
[policy]
virt-types = kvm qemu
default = keep
END
}

policy_grant_and_accept() { policy_grant_with "on-drift = accept"; }

# POLICY, one of those functions: waits until it is in force.
switch() {
    local generation

    generation=$(property PolicyGeneration)
    "$1"
    wait_for 10 not property_is PolicyGeneration "$generation" || bail "$1 is not in force"
}

# put_xml NAME: standard input into a file; its path on the host.
put_xml() {
    cat >"$(sandbox_dir "$host")/run/guests/$1.xml" || bail "cannot write $1"
    printf '/run/guests/%s.xml\n' "$1"
}

# with DEVICE MORE NAME [FEATURES [QEMU-ARG…]]: as xml_file, with a device and an element of <domain> more.
with() {
    local device=$1 more=$2 name=$3 xml

    shift 2
    xml=$(guest_xml "$host" "$@") || bail "no XML of $name"
    xml=${xml/"</devices>"/"$device</devices>"}
    put_xml "$name" <<<"${xml/%"</domain>"/"$more</domain>"}"
}

rng="<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"

# override NAME=TYPE=VALUE…: of properties of that device
override() {
    local property name type value

    echo "<qemu:override><qemu:device alias='rng0'><qemu:frontend>"
    for property; do
        IFS='=' read -r name type value <<<"$property"
        echo "<qemu:property name='$name' type='$type'"
        [[ -z $value ]] || echo "value='$value'"
        echo "/>"
    done
    echo "</qemu:frontend></qemu:device></qemu:override>"
}

# record VERDICT ENTRY…: in the form in which xsavesd writes one
record() {
    printf "<metadata><xsavesd:domain xmlns:xsavesd='urn:xsavesd:domain:1' verdict='%s' reason='forged' metadata='created'>" "$1"
    shift
    (($# == 0)) || printf '<xsavesd:%s/>' "$@"
    echo "</xsavesd:domain></metadata>"
}

# removed HALF AT: an argument of the pair that was removed, where so many others came before it
removed() { printf "removed-arg half='%s' at='%d' gap='0' before=''" "$1" "$2"; }

forced_xsavec="<feature policy='force' name='xsavec'/>"

# sees_leaf TEXT EAX GUEST: in CPUID.(0DH,1):EAX, bit 1 is XSAVEC and bit 3 XSAVES; TCG has the other two.
sees_leaf() {
    local line

    line=$(guest_prints "$host" "$3")
    same "$1" "$2" "$(cut -d ' ' -f 2 <<<"$line")"
}

# says TEXT COMMAND…: its output has the text
says() {
    local text=$1

    shift
    try "$@" && [[ $said == *"$text"* ]]
}

refused_by_example() { [[ $said == *"domain '$1' has what is not allowed on this host: $2"* ]]; }

not_started() {
    ok "it does not run" not runs "$1"
    ok "nor did it print anything" not guest_has_printed "$host" "$1"
}

# starts_without TEXT FILE
starts_without() {
    local name

    name=$(basename "$2" .xml)
    ok "$1 starts" create "$2"
    sees "without XSAVES" "$name" no
    stop "$name"
}

host_up

# --- the attacks; under a policy that grants, too, whence the names ---

cat >"$(sandbox_dir "$host")/run/guests/globals" <<'END'
[global]
  driver = "x86_64-cpu"
  property = "x-force-features"
  value = "on"
[global]
  driver = "max-x86_64-cpu"
  property = "xsaves"
  value = "on"
END
attacks=(granted-override granted-undeclared granted-json granted-commas granted-readconfig granted-absent granted-half)
declare -A file=() leaf=() why_not=()

# A device becomes a second CPU; the guest prints what that one sees.
file[granted-override]=$(with "$rng" \
    "$(override driver=string=max-x86_64-cpu rng=remove bus=remove addr=remove socket-id=unsigned=1 core-id=unsigned=0 \
        thread-id=unsigned=0 xsaves=bool=true x-force-features=bool=true)" \
    granted-override "" -smp 1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1)
guest_disk "$host" granted-override -DSECOND_CPU || bail "no disk"
leaf[granted-override]=0000000d
why_not[granted-override]=denied-custom-cpu-args

# The same, where libvirt is told that QEMU takes no JSON: it writes KEY=VALUE,… and does not escape the driver.
file[granted-undeclared]=$(with "$rng" \
    "<qemu:capabilities><qemu:del capability='device.json+hotplug'/></qemu:capabilities>$(
        override driver=string=max-x86_64-cpu,x-force-features=on rng=remove bus=remove addr=remove socket-id=unsigned=1 \
            core-id=unsigned=0 thread-id=unsigned=0 xsaves=bool=true
    )" granted-undeclared "" -smp 1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1)

# A CPU of the owner's, as JSON in single quotes, and behind what looks like another driver.
cpu="'driver':'max-x86_64-cpu','socket-id':1,'core-id':0,'thread-id':0,'xsaves':true,'x-force-features':true"
file[granted-json]=$(xml_file granted-json "" -smp 1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1 \
    -device "{${cpu//\'/"&apos;"}}")
cpu=max-x86_64-cpu,socket-id=1,core-id=0,thread-id=0,xsaves=on,x-force-features=on
file[granted-commas]=$(xml_file granted-commas "" -smp 1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1 \
    -device "$cpu,model-id=a,,driver=virtio-rng-pci")

for name in granted-undeclared granted-json granted-commas; do
    guest_disk "$host" "$name" -DSECOND_CPU || bail "no disk"
    leaf[$name]=0000000d
    why_not[$name]=denied-custom-cpu-args
done

file[granted-readconfig]=$(xml_file granted-readconfig "" -readconfig /run/guests/globals)
leaf[granted-readconfig]=0000000d
why_not[granted-readconfig]=denied-custom-cpu-args

# Records that hide what is forced along: the feature was not there; an argument was the value of another option.
file[granted-absent]=$(with "" "$(record grant "feature name='xsavec' set='force' was='absent'")" \
    granted-absent "$guest_forced_feature$forced_xsavec" "${guest_forced_args[@]}")
leaf[granted-absent]=0000000f
why_not[granted-absent]=denied-would-force-others

hidden=(-global max-x86_64-cpu.xsavec=on -global max-x86_64-cpu.x-force-features=on)
file[granted-half]=$(with "" "$(record deny "$(removed value 4)" "$(removed value 1)")" \
    granted-half "$guest_forced_feature" "${hidden[@]}")
leaf[granted-half]=0000000f
why_not[granted-half]=denied-custom-cpu-args

# A snapshot with memory that is defined again, with a CPU that its <domain> does not have. Internal ones need qcow2.
revert_snapshot() {
    guest_forget "$host" snapshot
    try virsh -q snapshot-revert snapshot taken
}
define_snapshot() {
    local dir

    dir=$(sandbox_dir "$host")/run/guests
    guest_xml "$host" snapshot "" "${guest_forced_args[@]}" | sed "s/type='raw'/type='qcow2'/; s/snapshot.img/snapshot.qcow2/" |
        put_xml snapshot >/dev/null
    qemu-img convert -q -O qcow2 "$dir/snapshot.img" "$dir/snapshot.qcow2" || bail "cannot convert the disk"
    try virsh -q define /run/guests/snapshot.xml
    ok "a guest starts" start snapshot
    sees "without XSAVES" snapshot no
    try virsh -q snapshot-create-as snapshot taken
    stop snapshot
    on_host virsh -q snapshot-dumpxml snapshot taken |
        sed "s|<cookie>|&<cpu mode='maximum' check='none'>$guest_forced_feature</cpu>|" | put_xml taken >/dev/null
    ok "its snapshot is defined again" try virsh -q snapshot-create snapshot --redefine --current /run/guests/taken.xml
}

policy_of_others
daemon_up
for name in "${attacks[@]}"; do
    ok "$name starts where the policy does not govern it" create "${file[$name]}"
    sees_leaf "and works" "${leaf[$name]}" "$name"
    stop "$name"
done
define_snapshot
ok "back to it" revert_snapshot
sees "with XSAVES" snapshot yes
stop snapshot

switch policy_none
for name in "${attacks[@]}"; do
    ok "$name is refused" not create "${file[$name]}"
    ok "with the reason, in one line" refused "$name" denied-erratum-default
    not_started "$name"
done
ok "back to the snapshot is refused" not revert_snapshot
ok "with the reason, in one line" refused snapshot denied-erratum-default
not_started snapshot

switch policy_grant_and_accept
for name in "${attacks[@]}"; do
    ok "$name is refused where the policy grants it XSAVES" not create "${file[$name]}"
    ok "with the reason, in one line" refused "$name" "${why_not[$name]}"
    not_started "$name"
done

try virsh -q define "${file[granted-override]}"
ok "explain says that its arguments cannot be read" says "in a way that cannot be read" xsavesctl explain granted-override
ok "list says that it would see XSAVES" says '"next-xsaves": true' xsavesctl list --json
ok "defined, it is refused, too" not start granted-override
ok "with the reason, in one line" refused granted-override denied-custom-cpu-args
try virsh -q undefine granted-override

# --- what an owner may do ---

harmless=$(with "$rng" "$(override max-bytes=unsigned=1024 period=unsigned=1000)" granted-harmless)
try virsh -q define "$harmless"
ok "an override of another property leaves a guest its grant" wait_for 10 definition_forces granted-harmless
ok "and it starts" start granted-harmless
sees "with XSAVES" granted-harmless yes
stop granted-harmless
try virsh -q undefine granted-harmless

define granted-hypervisor "<feature policy='require' name='hypervisor'/>"
ok "so does a feature that is always there" wait_for 10 definition_forces granted-hypervisor
ok "and it starts" start granted-hypervisor
sees "with XSAVES" granted-hypervisor yes
stop granted-hypervisor

define granted-owner "<feature policy='disable' name='xsaves'/>"
before=$(definition_canonical granted-owner)
ok "an owner's own denial is told" wait_for 10 says denied-by-owner xsavesctl explain granted-owner
ok "the guest starts" start granted-owner
sees "without XSAVES" granted-owner no
same "its definition is as its owner wrote it" "$before" "$(definition_canonical granted-owner)"
stop granted-owner

starts_without "a guest with arguments of its own, whose rule allows XSAVES," "$(xml_file granted-args "" -cpu max,-pku)"

# TCG offers no XSAVES, but all that the arguments ask for is forced: without it, these would tell nothing.
switch policy_none
starts_without "a guest whose own -cpu turns XSAVES off" \
    "$(xml_file minus "" -cpu max,-pku,-xsaves,+xsaves,x-force-features=on)"
starts_without "a guest whose own -cpu has none" \
    "$(xml_file penryn "" -cpu Penryn,vendor=GenuineIntel,+ssse3,+sse4.2,+popcnt,+aes,+xsave,+xsaveopt,x-force-features=on)"
starts_without "a guest with -global of something else of its CPU" "$(xml_file pmu "" -global x86_64-cpu.pmu=off)"

names=$(printf '<m:key-%d/>' {1..2500})
names="<metadata><m:m xmlns:m='urn:m'>$names</m:m></metadata>"
starts_without "a guest with 2500 names in its metadata" "$(with "" "$names" names)"
asking=$(with "" "$names" names-asking "$guest_forced_feature" "${guest_forced_args[@]}")
ok "one that asks for XSAVES is refused" not create "$asking"
ok "for that" refused names-asking denied-erratum-default

# --- what a forged record can bring about: where the policy keeps the guest, what its owner can as well (core/record.h) ---

on=$(with "" \
    "$(record deny "feature name='xsaves' set='disable' was='force'" "feature name='xsavec' set='disable' was='force'" \
        "$(removed value 1)" "$(removed option 0)")" \
    forged-on "<feature policy='disable' name='xsaves'/><feature policy='disable' name='xsavec'/>")
try virsh -q define "$on"
ok "a guest with a record that it was denied XSAVES is denied it" wait_for 10 \
    definition_has forged-on denied-erratum-default
ok "the guest starts" start forged-on
sees_leaf "with neither XSAVES nor XSAVEC" 00000005 forged-on
stop forged-on

switch policy_keep
ok "where it is kept, the guest is as its record says" wait_for 10 definition_forces forged-on
ok "and starts" start forged-on
sees_leaf "with both" 0000000f forged-on
stop forged-on
try virsh -q undefine forged-on
starts_without "the same as a transient guest, which nobody re-defines," "$on"

forged=$(with "" "$(record grant "feature name='xsaves' set='force' was='disable'" "force-pair was='absent'")" \
    forged-off "$guest_forced_feature" "${guest_forced_args[@]}")
try virsh -q define "$forged"
ok "a record of a grant takes XSAVES away" wait_for 10 definition_forces_not forged-off
ok "the guest starts" start forged-off
sees "without XSAVES" forged-off no
stop forged-off

define forged-other "<feature policy='disable' name='avx'/>" -no-fd-bootchk
before=$(definition_canonical forged-other)
forged=$(with "" "$(record deny "feature name='avx' set='disable' was='force'" "removed-arg half='-cpu' at='0'" \
    "removed-arg value='max,xsaves=on' at='1'" "arg value='-cpu'")" \
    forged-other "<feature policy='disable' name='avx'/>" -no-fd-bootchk)
try virsh -q define "$forged"
ok "a record of anything else goes" wait_for 10 not definition_has forged-other urn:xsavesd
same "and brings nothing about" "$before" "$(definition_canonical forged-other)"

# --- an image that is restored with another XML ---

define granted-image
ok "a guest starts" start granted-image
sees "without XSAVES" granted-image no
ok "and is saved" save granted-image
image() { on_host virsh -q save-image-dumpxml /run/guests/granted-image.save; }
commandline() {
    echo "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
    printf "<qemu:arg value='%s'/>" "$@"
    echo "</qemu:commandline>"
}
restore_with() {
    guest_forget "$host" granted-image
    try virsh -q restore /run/guests/granted-image.save --xml "$1"
}
other=$(
    {
        image | sed '/<\/domain>/d'
        record deny "$(removed value 7)" "$(removed value 4)" "$(removed value 1)"
        commandline -global max-x86_64-cpu.xsaves=on "${hidden[@]}"
        echo "</domain>"
    } | put_xml image
)
ok "where it is kept, it comes back with other arguments" restore_with "$other"
sees_leaf "and XSAVEC and XSAVES" 0000000f granted-image
stop granted-image

switch policy_none
ok "where it is denied, that is refused" not restore_with "$other"
ok "with the reason, in one line" refused granted-image denied-erratum-default
not_started granted-image
switch policy_grant
ok "where its rule allows XSAVES, too" not restore_with "$other"
ok "with the reason, in one line" refused granted-image denied-custom-cpu-args
not_started granted-image

# --- a clone: the XML of a guest with a grant, record and all, with its own name, UUID and disk ---

define granted
ok "a guest is granted XSAVES" wait_for 10 definition_forces granted
xml_file clone >/dev/null
clone=$(definition granted | sed "s/granted/clone/g; s|<uuid>.*</uuid>|<uuid>$(sandbox_uuid "guest clone")</uuid>|" | put_xml clone)
ok "its clone is refused" not create "$clone"
ok "with the reason, in one line" refused clone denied-erratum-default
not_started clone
try virsh -q define "$clone"
ok "defined, it has no grant" wait_for 10 definition_forces_not clone
ok "and starts" start clone
sees "without XSAVES" clone no

# --- what no definition tells (docs/security.md), and what an administrator can do ---

emulator=$(sandbox_dir "$host")/run/guests/emulator
cat >"$emulator" <<'END'
#!/bin/bash
for arg; do
    [[ $before != -cpu ]] || arg+=,xsaves=on,x-force-features=on
    args+=("$arg")
    before=$arg
done
exec /usr/bin/qemu-system-x86_64 "${args[@]}"
END
chmod +x "$emulator"
emulated=$(with "<emulator>/run/guests/emulator</emulator>" "" emulated)
ok "an emulator of its own starts" create "$emulated"
sees "and gives the guest XSAVES" emulated yes
stop emulated

monitored=$(xml_file monitored "" -smp 1,maxcpus=2,sockets=2,dies=1,cores=1,threads=1)
guest_disk "$host" monitored -DSECOND_CPU || bail "no disk"
monitor() { try virsh -q qemu-monitor-command monitored "$@"; }
cpus() {
    monitor --pretty '{"execute": "query-cpus-fast"}'
    sed -n 's/.*"qom-path": "\(.*\)".*/\1/p' <<<"$said"
}
xsaves_of_all() {
    local path

    for path in $(cpus); do
        monitor --hmp "qom-get $path xsaves"
        printf '%s\n' "$said"
    done | tr -d '\r' | xargs
}
ok "a guest that has no XSAVES starts" create "$monitored"
same "nor has its one CPU by QEMU's own word" false "$(xsaves_of_all)"
ok "the monitor adds another" monitor --hmp \
    "device_add max-x86_64-cpu,socket-id=1,core-id=0,thread-id=0,xsaves=on,x-force-features=on"
ok "the guest is reset" monitor --hmp system_reset
sees "and sees XSAVES" monitored yes
same "QEMU says so" "false true" "$(xsaves_of_all)"
ok "libvirt tells of the monitor" says "custom monitor control commands" virsh dominfo monitored
stop monitored

on_host install /usr/share/doc/xsavesd/examples/libvirt/10-no-passthrough /etc/libvirt/hooks/qemu.d
ok "with the hook of the examples, the emulator is refused" not create "$emulated"
ok "by its name" refused_by_example emulated "<emulator>/run/guests/emulator</emulator>"
ok "so are arguments" not create "$monitored"
ok "by their names" refused_by_example monitored "<qemu:arg value='-smp'/>"
ok "what xsavesd itself adds is not" start granted
sees "and gives the guest XSAVES" granted yes
on_host rm /etc/libvirt/hooks/qemu.d/10-no-passthrough

# --- without the daemon ---

daemon_down
for name in "${attacks[@]}"; do
    ok "$name is refused with the daemon down" not create "${file[$name]}"
    ok "in one line" refused "$name" daemon-unreachable
    not_started "$name"
done
ok "the override of another property is not" create "$harmless"
sees "and shows no XSAVES" granted-harmless no
