# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# host-model, which libvirt expands between prepare and start (F3), and XSAVEC.

host_model="<cpu mode='host-model'/>"
host_model_asks="<cpu mode='host-model'><feature policy='require' name='xsaves'/></cpu>"

guest_define hm "$host_model"
guest_start hm
line=$(guest_says hm)
evidence "host-model: $line"
evidence "$(virsh -q dumpxml hm | grep -E "<cpu |<model |xsave")"
expect_match "host-model starts under the default policy, without XSAVES" "$line" " xsave=0000000[0-7] .*xss=none"
guest_gone hm

guest_xml hm "$host_model_asks" >/run/hm.xml
out=$(virsh -q create /run/hm.xml 2>&1)
evidence "$out"
expect_match "host-model that requires XSAVES is refused" "$out" "xsavesd: .*hm.*denied-erratum-default"
guest_gone hm

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
