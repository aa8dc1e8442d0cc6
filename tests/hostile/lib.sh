# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# On top of tests/integration/lib.sh: strangers, who are let to the bus, and one that is guarded as the system's.

# shellcheck disable=SC2034 # for those who source this
# shellcheck source=../integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

if ((EUID != 0)); then
    trap - EXIT
    rm -rf "$base"
    echo "1..0 # SKIP strangers are made by root"
    exit 0
fi
chmod 755 "$base"
export DBUS_SYSTEM_BUS_ADDRESS=$bus_address
# nobody's
stranger=65534
client=$build/tests/hostile/hostile-client
interface=$here/../../conf/org.xsavesd1.Manager.xml
hook=$build/hooks/hook-in-tree
seed=${XSAVESD_TEST_SEED:-1386}
note "XSAVESD_TEST_SEED=$seed"

# A bus with the rules that Debian's dbus gives the system's, and those of xsavesd.
guarded_bus_up() {
    cat >"$base/bus.conf" <<END
<busconfig>
  <type>system</type>
  <listen>$bus_address</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <policy user="root">
    <allow own="org.freedesktop.PolicyKit1"/>
  </policy>
  <include>$(realpath "$here/../../conf/org.xsavesd1.conf")</include>
</busconfig>
END
    start dbus dbus-daemon --config-file="$base/bus.conf" --nofork --nopidfile
    wait_for 10 test -S "$base/bus" || bail "no bus"
}

# A policy that grants some and denies the rest, and a guest of each kind.
hostile_up() {
    masked_host
    domain ordinary "" >"$base/ordinary.xml"
    domain_forced other >"$base/other.xml"
    "$1"
    # libvirtd ends with the system bus that it knows, and this one is stopped (GDBusConnection:exit-on-close).
    unset DBUS_SYSTEM_BUS_ADDRESS
    libvirt_up
    export DBUS_SYSTEM_BUS_ADDRESS=$bus_address
    define granted ""
    define asking "<feature policy='force' name='xsaves'/>"
    daemon_up "$base/masked.facts"
    wait_for 10 has asking "policy='disable' name='xsaves'" || bail "the guests are not in line"
    wait_for 10 has granted "policy='force' name='xsaves'" || bail "the guests are not in line"
}

daemon_lives() { kill -0 "${process[xsavesd]}"; }
# The most that it ever had.
peak_kib() { awk '$1 == "VmHWM:" { print $2 }' "/proc/${process[xsavesd]}/status"; }
memory_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/${process[xsavesd]}/status"; }
gate_says() { manager Gate sss prepare begin "$(<"$base/$1.xml")" 2>&1 | grep -qF "bsss $2 "; }
gate_is_right() { gate_says ordinary true && gate_says other false; }
states() {
    definition granted
    definition asking
    property PolicyGeneration
    cat "$base/etc/policy.ini"
}
