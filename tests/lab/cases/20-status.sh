# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# What the host is, in the tool's words and as facts.

status=$(xsavesctl status 2>&1)
evidence "$status"
expect_match "status names the CPU" "$status" $'\nCPU +AMD Zen 2: AuthenticAMD family 23, model 49'
expect_match "status says that the erratum is live" "$status" $'\nErratum 1386 +live'
expect_match "status says who has XSAVES and who has not" "$status" \
    $'\nXSAVES +the CPU has it, the kernel does not use it, KVM does not offer it'

facts=$(xsavesctl host --json)
evidence "$(jq -c . <<<"$facts")"
fact() { jq -r --arg key "$1" '.[$key]' <<<"$facts"; }
expect_equal "F/M/S" "$(fact family)-$(fact model)-$(fact stepping)" 23-49-0
expect_equal "erratum" "$(fact erratum-1386)" live
expect_match "the CPU has XSAVES" "$(fact cpu-xsaves)" "^(yes|true)$"
expect_match "the kernel has not" "$(fact kernel-xsaves)" "^(no|false)$"
expect_match "nor has KVM" "$(fact hypervisor-xsaves)" "^(no|false)$"
expect_match "host-model is known from libvirt" "$(fact host-model)" "^EPYC"

# The same, with another machine's facts: Zen 2 with the microcode that fixes it.
xsavesctl host --facts >/srv/facts
sed 's/^microcode *=.*/microcode = 0x08301052/; s/^virtualized *=.*/virtualized = no/; s/^\(hypervisor-xsaves\|kernel-xsaves\) *=.*/\1 = yes/' \
    /srv/facts >/srv/facts-fixed
guest_xml fixed "$passthrough" >/run/fixed.xml
out=$(xsavesctl explain --json --policy /etc/xsavesd --host /srv/facts-fixed /run/fixed.xml)
evidence "fixed microcode: $(jq -c . <<<"$out")"
expect_equal "fixed microcode, default policy: touched by nothing" "$(jq -r .verdict,.reason <<<"$out" | xargs)" "keep kept-by-default"
out=$(xsavesctl rewrite --offline --policy /etc/xsavesd --host /srv/facts-fixed </run/fixed.xml 2>/run/reason)
expect_equal "and its definition is as it was" "$(xmllint --c14n - <<<"$out" | sha256sum)" "$(xmllint --c14n /run/fixed.xml | sha256sum)"
expect_equal "and this host, by the same files, denies" \
    "$(xsavesctl explain --json --policy /etc/xsavesd --host /srv/facts /run/fixed.xml | jq -r .reason)" denied-erratum-default
