# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A daemon on a bus of its own, beside a libvirtd of its own that serves the test driver: no namespace, no QEMU, nothing
# outside a folder in /tmp. Needs XSAVESD_BUILD, the build folder.

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=../tap.sh
. "$here/../tap.sh"

build=${XSAVESD_BUILD:?XSAVESD_BUILD does not name a build folder}
base=$(mktemp -d /tmp/xsavesd-integration.XXXXXX)
libvirt_uri="test+unix:///default?socket=$base/libvirt/libvirt-sock"
bus_address="unix:path=$base/bus"
under=()
[[ -z ${XSAVESD_TEST_VALGRIND:-} ]] || under=("$here/../valgrind.sh")
declare -A process=()

# start NAME COMMAND…: in the background, output to $base/NAME.log.
start() {
    local name=$1

    shift
    "$@" >>"$base/$name.log" 2>&1 </dev/null &
    process[$name]=$!
}

stop() {
    local pid=${process[$1]:-}

    [[ -n $pid ]] || return 0
    kill -CONT "$pid" 2>/dev/null
    kill "-${2:-TERM}" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    unset "process[$1]"
}

# A sanitizer or valgrind said something of the daemon.
has_fault() { grep -qE 'Sanitizer|runtime error:|^==[0-9]+== ' "$base/xsavesd.log"; }

finish() {
    local status=$? name

    stop xsavesd
    ! has_fault || ok "the daemon has no fault in it" false
    for name in "${!process[@]}"; do
        # These two last: the others talk to them, and libvirtd over the bus.
        [[ $name == @(libvirtd|dbus) ]] || stop "$name"
    done
    for name in xsavesd client holder libvirtd dbus; do
        stop "$name"
        if ((tap_failed > 0)); then
            note "$name said:"
            note "$(tail -n 30 "$base/$name.log" 2>/dev/null)"
        fi
    done
    [[ -z $(jobs -rp) ]] || ok "no process is left" false
    rm -rf "$base"
    ((status == 0)) || exit "$status"
    tap_end
}
trap finish EXIT

# wait_for SECONDS COMMAND…: until it succeeds.
wait_for() {
    local end=$((SECONDS + $1))

    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

bus() { busctl --address="$bus_address" --timeout=20 "$@"; }
manager() { bus call org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager "$@"; }
property() { bus get-property org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager "$1" 2>/dev/null; }
property_is() { [[ $(property "$1") == "$2" ]]; }
property_has() { [[ $(property "$1") == *"$2"* ]]; }

virsh_() { timeout 20 virsh -q -c "$libvirt_uri" "$@"; }
definition() { virsh_ dumpxml --inactive "$1"; }
has() { definition "$1" | grep -qF -- "$2"; }

bus_up() {
    cat >"$base/bus.conf" <<END
<busconfig>
  <type>system</type>
  <listen>$bus_address</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/>
  </policy>
</busconfig>
END
    start dbus dbus-daemon --config-file="$base/bus.conf" --nofork --nopidfile
    wait_for 10 test -S "$base/bus" || bail "no bus"
}

libvirt_up() {
    mkdir -p "$base/libvirt"
    cat >"$base/libvirtd.conf" <<END
unix_sock_dir = "$base/libvirt"
auth_unix_ro = "none"
auth_unix_rw = "none"
END
    start libvirtd libvirtd --config "$base/libvirtd.conf" --pid-file "$base/libvirtd.pid"
    # On a busy machine it takes its time.
    wait_for 60 virsh_ uri >/dev/null 2>&1 || bail "no libvirtd"
    # The test driver forgets its domains with the last connection.
    start client virsh -q -c "$libvirt_uri" event --all --loop
    wait_for 60 libvirt_remembers || bail "libvirtd forgets its domains"
}
libvirt_remembers() { virsh_ desc test kept && [[ $(virsh_ desc test) == kept ]]; } >/dev/null 2>&1

daemon_ready() { property_is LibvirtConnected "b true"; }

# daemon_up FACTS: with the policy in $base/etc.
daemon_up() {
    start xsavesd "${under[@]}" "$build/daemon/xsavesd" --bus "$bus_address" --policy "$base/etc" --host "$1" \
        --connect "$libvirt_uri"
    wait_for $((15 * ${XSAVESD_TEST_SLOWDOWN:-1})) daemon_ready || bail "the daemon is not ready"
}

generation() { property PolicyGeneration | cut -d' ' -f2; }

# changed COMMAND…: run it, and see the policy's generation grow.
generation_after() { (($(generation) > $1)); }
changed() {
    local before

    before=$(generation)
    "$@"
    wait_for 10 generation_after "$before"
}

facts() {
    cat <<END
[host]
hostname = rome
machine-id = 00000000000000000000000000000001
vendor = AuthenticAMD
family = 23
model = 49
stepping = 0
microcode = 0x0830104d
virtualized = no
cpu-xsaves = yes
cpu-xsavec = yes
kernel-xsaves = no
hypervisor-xsaves = $1
hypervisor-xsavec = yes
host-model = EPYC-Rome
END
}

# A policy that grants XSAVES to guests named granted*. LINE: one more key of [policy].
granting_policy() {
    cat <<END
[policy]
virt-types = test
$1
[host all]
hostname = *
xsaves = allow

[guest granted]
name = granted*
xsaves = allow
guest = never-uses-xsaves

END
}

# For daemon_up: the facts of a host that masks XSAVES, and that policy.
masked_host() {
    mkdir "$base/etc"
    facts no >"$base/masked.facts"
    granting_policy "" >"$base/etc/policy.ini"
}

# The same name is the same domain.
uuid_of() { printf %s "$1" | md5sum | sed -E 's/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/\1-\2-\3-\4-\5/'; }

# domain NAME CPU-CONTENT [MODE]
domain() {
    cat <<END
<domain type='test'>
  <name>$1</name>
  <uuid>$(uuid_of "$1")</uuid>
  <memory>1024</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <cpu mode='${3:-host-passthrough}'>$2</cpu>
</domain>
END
}

# domain_forced NAME: one that would see XSAVES on any host.
domain_forced() {
    domain "$1" "<feature policy='force' name='xsaves'/>" | sed "s|</domain>|<q:commandline \\
        xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-global'/>\\
        <q:arg value='x86_64-cpu.x-force-features=on'/></q:commandline>&|"
}

define() {
    domain "$@" >"$base/define.xml"
    virsh_ define "$base/define.xml" >/dev/null || bail "cannot define $1"
}
