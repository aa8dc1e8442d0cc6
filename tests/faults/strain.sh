#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The daemon where the machine is short of something: file descriptors, a steady clock, hooks that come one by one and live until
# they are answered. And XML beyond all measure.

# shellcheck source=../hostile/lib.sh
. "$(dirname "$0")/../hostile/lib.sh"

pid() { echo "${process[xsavesd]}"; }
descriptors() { find "/proc/$(pid)/fd" -mindepth 1 | wc -l; }
in_line() { has asking "policy='disable' name='xsaves'" && has granted "policy='force' name='xsaves'"; }
# GUEST: the hook's exit status and what it says.
ask_hook() {
    "$hook" "$1" prepare begin - <"$base/$1.xml" >/dev/null 2>"$base/hook.$2"
    echo $? >"$base/status.$2"
}

hostile_up bus_up

before=$(descriptors)
prlimit --pid "$(pid)" --nofile=4:1024
ok "with no file descriptor left the gate is right" gate_is_right
manager Reload >/dev/null 2>&1
ok "after a reload that cannot read the policy, too" gate_is_right
ok "which is said" property_has PolicyError "Too many open files"
note "$(property PolicyError)"
prlimit --pid "$(pid)" --nofile=1024
ok "when there are some again, the policy is read" manager Reload
ok "and all is well" property_is PolicyError 's ""'
define asking "<feature policy='force' name='xsaves'/>"
ok "and the guests come in line" wait_for 10 in_line

hooks=()
for ((i = 0; i < 100; i++)); do
    name=ordinary
    ((i % 2 == 0)) || name=other
    ask_hook "$name" "$i" &
    hooks+=($!)
done
wait "${hooks[@]}"
accepted=0 refused=0
for ((i = 0; i < 100; i++)); do
    if ((i % 2 == 0)); then
        [[ $(<"$base/status.$i") != 0 ]] || accepted=$((accepted + 1))
    else
        ! grep -q 'denied-erratum-default' "$base/hook.$i" || refused=$((refused + 1))
    fi
done
same "of 100 hooks at once 50 accept" 50 "$accepted"
same "and 50 refuse, by the daemon's word" 50 "$refused"

kill -STOP "$(pid)"
hooks=()
for ((i = 0; i < 20; i++)); do
    "$hook" other prepare begin - <"$base/other.xml" >/dev/null 2>&1 &
    hooks+=($!)
done
sleep 0.5
kill -KILL "${hooks[@]}"
wait "${hooks[@]}" 2>/dev/null
kill -CONT "$(pid)"
ok "20 hooks die before they are answered: the gate is right" gate_is_right
same "and no file descriptor is left over" "$before" "$(descriptors)"

{ echo "<domain type='test'><name>big</name><description>"; head -c $((10 << 20)) /dev/zero | tr '\0' a; echo '</description></domain>'; } >"$base/big.xml"
ask_hook big big
ok "the hook refuses 10 MiB of XML by one line" grep -qx "xsavesd: domain 'big': invalid-xml: its XML is larger than 8 MiB" "$base/hook.big"
ok "the gate is right" gate_is_right

stop xsavesd
start xsavesd env LD_PRELOAD="$build/tests/faults/libclock-shim.so" "$build/daemon/xsavesd" --bus "$bus_address" --policy "$base/etc" \
    --host "$base/masked.facts" --connect "$libvirt_uri"
wait_for 15 daemon_ready || bail "the daemon is not ready"
define asking "<feature policy='force' name='xsaves'/>"
ok "where the clock jumps by ten years, guests come in line" wait_for 10 in_line
ok "the gate is right" gate_is_right
began=$SECONDS
kill -STOP "${process[libvirtd]}"
kill -TERM "$(pid)"
wait "$(pid)"
same "and the daemon ends when it is told to" 0 $?
unset "process[xsavesd]"
kill -CONT "${process[libvirtd]}"
ok "at once, though libvirt hangs" test $((SECONDS - began)) -lt $((8 * ${XSAVESD_TEST_SLOWDOWN:-1}))
