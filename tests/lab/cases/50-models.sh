# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# host-model, which libvirt expands between prepare and start, and named models. QEMU filters what this host's KVM does not
# offer, so XSAVES that is asked for by name alone is accepted, and the guest has none.

host_model="<cpu mode='host-model'/>"
host_model_asks="<cpu mode='host-model'><feature policy='require' name='xsaves'/></cpu>"

rome="<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>EPYC-Rome</model></cpu>"

# at_start NAME: our hook's answer at "start begin" to the XML on standard input.
at_start() { /etc/libvirt/hooks/qemu.d/xsavesd "$1" start begin - 2>&1; }
accepted_at_start() { at_start "$1" <"$2"; }

# Keeps what libvirt gives its hooks.
cat >/etc/libvirt/hooks/qemu.d/00-record <<'END'
#!/bin/sh
cat >"/run/hook-$1-$2.xml"
END
chmod 755 /etc/libvirt/hooks/qemu.d/00-record

guest_define hm "$host_model"
guest_start hm
line=$(guest_says hm)
evidence "host-model: $line"
evidence "$(virsh -q dumpxml hm | grep -E "<cpu |<model |xsave")"
expect "at prepare it is host-model" grep -q "<cpu mode='host-model'" /run/hook-hm-prepare.xml
expect "at start it is the model that stands for it" grep -q ">EPYC-Rome</model>" /run/hook-hm-start.xml
expect "which is accepted" accepted_at_start hm /run/hook-hm-start.xml
out=$(sed "s|<feature policy='[a-z]*' name='xsaves'/>|<feature policy='require' name='xsaves'/>|" /run/hook-hm-start.xml | at_start hm)
expect_equal "and so it is if the model asks for XSAVES" "$out" ""
expect_match "host-model starts under the default policy, without XSAVES" "$line" " xsave=0000000[0-7] .*xss=none"
guest_gone hm

guest_xml hm "$host_model_asks" >/run/hm.xml
out=$(virsh -q create /run/hm.xml 2>&1)
expect_equal "host-model that requires XSAVES starts" "$out" ""
expect_match "and has none" "$(guest_says hm)" " xsave=0000000[0-7] .*xss=none"
guest_gone hm

guest_define rome "$rome"
expect_equal "a named model starts" "$(guest_start rome)" ""
expect_match "without XSAVES" "$(guest_says rome)" " xsave=0000000[0-7] .*xss=none"
expect "it is accepted at start" accepted_at_start rome /run/hook-rome-start.xml
out=$(sed "s|</model>|&<feature policy='require' name='xsaves'/>|" /run/hook-rome-prepare.xml | at_start rome)
expect_equal "and so it is if it asks for XSAVES" "$out" ""
guest_gone rome
rm -f /etc/libvirt/hooks/qemu.d/00-record

if [[ $machine == *bookworm ]]; then
    policy_set "$allow_host
$(allow_guest hm erratum-aware)"
    guest_define hm "$host_model"
    expect_equal "host-model counts as the host's F/M/S, and cannot be forced" "$(explain hm reason)" denied-cpu-mode
    expect_equal "it starts all the same" "$(guest_start hm)" ""
    expect_match "without XSAVES" "$(guest_says hm)" " xsave=0000000[0-7] .*xss=none"
    guest_gone hm
    policy_reset
fi
