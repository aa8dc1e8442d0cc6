#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# gate.sh BENCH-GATE [CALLS]: the gate's cost over a bus of its own, alone and with convergence running beside it; and the
# daemon's memory and time to be ready. XSAVESD_BUILD names the build folder.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

bench=$1
calls=${2:-20000}

mkdir "$base/etc"
facts no >"$base/masked.facts"
{
    printf '[policy]\nvirt-types = test\n'
    for ((i = 0; i < 10; i++)); do
        printf '[guest rule-%d]\nname = vm-%d-*\nxsaves = deny\n' "$i" "$i"
    done
} >"$base/etc/policy.ini"
# About 10 KB, as a guest with a dozen devices has.
{
    domain bench "" | sed '$d'
    echo '<devices>'
    for ((i = 0; i < 60; i++)); do
        printf "  <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/disk-%d.qcow2'/><target dev='sd%d' bus='scsi'/></disk>\n" "$i" "$i"
    done
    echo '</devices></domain>'
} >"$base/bench.xml"

bus_up
libvirt_up
start=$(date +%s%N)
start xsavesd "$build/daemon/xsavesd" --bus "$bus_address" --policy "$base/etc" --host "$base/masked.facts" --connect "$libvirt_uri"
until bus call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus NameHasOwner s org.xsavesd1 | grep -q true; do :; done
note "name owned within $((($(date +%s%N) - start) / 1000000)) ms of exec, with the time of one busctl in it"
wait_for 15 daemon_ready || bail "the daemon is not ready"

memory() { awk '/^VmRSS/ {print $2}' "/proc/${process[xsavesd]}/status"; }
# On one processor none has to be woken, which takes a virtual machine longer than the call does.
bind() { for pid in "${process[dbus]}" "${process[xsavesd]}"; do taskset -acp "$1" "$pid" >/dev/null; done; }
processors=$(taskset -cp $$ | sed 's/.*: //')
one=${processors##*[,-]}

before=$(memory)
note "the gate alone, $(wc -c <"$base/bench.xml") bytes of XML, on one processor"
bind "$one"
lines=$(taskset -c "$one" "$bench" "$bus_address" "$calls" "$base/bench.xml")
bind "$processors"
note "$lines"
# shellcheck disable=SC2016 # awk's
ok "5,000 calls a second" awk '/^Gate/ { exit !($2 >= 5000) }' <<<"$lines"
note "on all"
note "$("$bench" "$bus_address" "$calls" "$base/bench.xml")"
after=$(memory)
note "memory: $before KiB before, $after KiB after"

for ((i = 0; i < 50; i++)); do define "guest-$i" "<feature policy='force' name='xsaves'/>"; done
(while manager Converge bas false 0 >/dev/null 2>&1; do :; done) &
converging=$!
note "with convergence of 50 domains beside it, without pause"
note "$("$bench" "$bus_address" "$calls" "$base/bench.xml")"
kill "$converging"
wait "$converging" 2>/dev/null
ok "memory does not grow by more than a tenth" test "$after" -le $((before * 11 / 10 + 512))
