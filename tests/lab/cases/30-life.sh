# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# One guest's life: default policy, a grant, save and restore, the grant gone.

guest_define win2016-a "$passthrough"
owner=$(guest_xml_now win2016-a)
expect_equal "the default policy adds nothing to a host-passthrough guest" "$(guest_policy win2016-a xsaves)" ""
guest_start win2016-a
line=$(guest_says win2016-a)
evidence "default policy: $line"
expect_match "default policy: it starts without XSAVES" "$line" " xsave=00000005 .*xss=none"

# The README's own, for this host's name instead of its.
example=$(zcat -f /usr/share/doc/xsavesd/README.md* |
    sed -n '/^    \[host rack-3\]/,/^    hide-xsavec/s/^    //p' | sed 's/rome-3-/bench-/')
expect_match "the README has an example" "$example" "^\[host rack-3\].*guest = never-uses-xsaves"
policy_set "$example"
expect "an edit of the policy, and nothing else, puts the grant into the definition" \
    eventually guest_has_grant win2016-a
expect_match "the running guest is not touched" "$(guest_says win2016-a)" " xsave=00000005 .*xss=none"
guest_stop win2016-a
expect_equal "explain: the reason" "$(explain win2016-a reason)" granted-forced
expect_equal "explain: the rules" "$(explain win2016-a guest-rule) $(explain win2016-a host-rule)" "win2016 rack-3"

guest_start win2016-a
line=$(guest_says win2016-a)
evidence "granted: $line"
expect_match "the next start has XSAVES, the host's F/M/S, a working IA32_XSS" "$line" \
    "^fms=00830f10 xsave=0000000d .* xss=00000000 ok$"
virsh -q save win2016-a /srv/a.save
virsh -q restore /srv/a.save
line=$(guest_says win2016-a)
evidence "after save and restore: $line"
expect_match "and after save and restore" "$line" "^fms=00830f10 xsave=0000000d .* ok$"
virsh -q managedsave win2016-a
guest_start win2016-a
expect_match "and after a managed save" "$(guest_says win2016-a)" "^fms=00830f10 xsave=0000000d .* ok$"
rm -f /srv/a.save

policy_reset
expect "the rule removed takes the grant back" eventually guest_has_no_grant win2016-a
expect_match "the running guest keeps what it has" "$(guest_says win2016-a)" " xsave=0000000d .*ok"
guest_stop win2016-a
guest_start win2016-a
line=$(guest_says win2016-a)
evidence "rule removed: $line"
expect_match "a new start is without XSAVES" "$line" " xsave=00000005 .*xss=none"
expect_equal "the definition is what its owner wrote" "$(guest_xml_now win2016-a)" "$owner"
guest_gone win2016-a
