#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An answer never waits for libvirt: while libvirtd is stopped dead, with the daemon's libvirt thread in the middle of a call
# to it, the gate answers as fast as ever. libvirt holds a domain's lock while its hook runs, so anything else would be a
# deadlock.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

mkdir "$base/etc"
facts no >"$base/masked.facts"
printf '[policy]\nvirt-types = test\n' >"$base/etc/policy.ini"
bus_up
libvirt_up
daemon_up "$base/masked.facts"
define guest "<feature policy='force' name='xsaves'/>"
ok "the guest is re-defined" wait_for 10 has guest "policy='disable'"

plain=$(domain plain "")
asking=$(domain_forced asking)

# 20 questions; the longest, in milliseconds. Each is a process that connects to the bus first.
slowest() {
    local slowest=0 i start took

    for ((i = 0; i < 20; i++)); do
        start=$(date +%s%N)
        said=$(manager Gate sss prepare begin "$1" 2>&1) || return 1
        took=$((($(date +%s%N) - start) / 1000000))
        ((took <= slowest)) || slowest=$took
    done
    echo "$slowest"
}

calm=$(slowest "$plain") || bail "the gate does not answer: $said"
kill -STOP "${process[libvirtd]}"
# Sends the libvirt thread into a call that does not return.
manager Converge bas true 0 >"$base/converge" 2>&1 &
converge=$!
printf '[policy]\nvirt-types = test\ndefault = deny\n' >"$base/etc/policy.ini"
ok "a new policy is in force meanwhile" wait_for 5 property_has Policy '"default" s "deny"'

stuck=$(slowest "$plain")
ok "the gate answers" test -n "$stuck"
note "slowest of 20 answers: $calm ms with libvirtd running, $stuck ms with libvirtd stopped"
ok "before the hook would give up" test "$stuck" -lt $((850 * ${XSAVESD_TEST_SLOWDOWN:-1}))
said=$(manager Gate sss start begin "$asking")
ok "and by the new policy" grep -q 'false "deny" "denied-by-default"' <<<"$said"
ok "guests are listed from memory" sh -c "busctl --address='$bus_address' call org.xsavesd1 /org/xsavesd1 \
    org.xsavesd1.Manager ListGuests | grep -q '\"guest\" s \"guest\"'"

# A sanitizer adds its own to the end of a program.
start=$SECONDS
stop xsavesd
ok "the daemon stops within two seconds" test $((SECONDS - start)) -le $((2 * ${XSAVESD_TEST_SLOWDOWN:-1}))
wait "$converge"
said=$(<"$base/converge")
ok "and tells who waits for it" grep -q 'xsavesd is being stopped' <<<"$said"
kill -CONT "${process[libvirtd]}"

daemon_up "$base/masked.facts"
ok "afterwards the guest is in line" wait_for 10 has guest denied-by-default
