# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen3-bookworm
# needs: package
#
# A host without the erratum: the default policy touches nothing.

facts=$(xsavesctl host --json)
evidence "$(jq -c . <<<"$facts")"
expect_equal "the erratum is absent" "$(jq -r '.["erratum-1386"]' <<<"$facts")" absent

guest_xml a "$passthrough" >/run/a.xml
guest_xml b "$forced_cpu" "$pair" >/run/b.xml
guest_xml c "<cpu mode='host-model'/>" >/run/c.xml
systemctl stop xsavesd.service
for guest in a b c; do
    virsh -q define "/run/$guest.xml"
    guest_xml_now "$guest" >"/run/$guest.before"
done
systemctl start xsavesd.service
eventually gives true property LibvirtConnected
expect "to bring them in line is to do nothing" xsavesctl converge
for guest in a b c; do
    expect_equal "$guest is left alone" "$(explain "$guest" verdict) $(explain "$guest" reason)" "keep kept-by-default"
    expect_equal "$guest: its definition too" "$(guest_xml_now "$guest" | sha256sum)" "$(sha256sum <"/run/$guest.before")"
done
guest_start a
line=$(guest_says a)
evidence "host-passthrough: $line"
expect_match "a guest starts and sees this host" "$line" "^fms=00a00f11 "
guest_start b
line=$(guest_says b)
evidence "forced by its owner: $line"
expect_match "so does one that has XSAVES by its owner's will" "$line" "^fms=00a00f11 xsave=0000000d .*ok$"

policy_set "[host lab]
hostname = bench-*
xsaves = allow
$(allow_guest a never-uses-xsaves)"
expect_equal "masked without the erratum: nobody knows why, denied" "$(explain a reason)" denied-masked-unknown
guest_gone a
guest_gone b
guest_gone c
