#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A definition that libvirt takes and that cannot be judged: what the gate, the bus and xsavesctl say of it.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

xsavesctl() { DBUS_SYSTEM_BUS_ADDRESS=$bus_address "$build/cli/xsavesctl" "$@" 2>&1; }

# A domain of TYPE with very many attributes in one element of its metadata.
crowded() {
    local attributes

    attributes=$(seq -f "a%g=''" 1100 | tr '\n' ' ')
    domain crowded "" | sed "s|type='test'|type='$1'|; s|<memory>|<metadata><c:c xmlns:c='urn:c' $attributes/></metadata>&|"
}

masked_host
bus_up
libvirt_up
crowded test >"$base/crowded.xml"
ok "libvirt takes the definition" virsh_ define "$base/crowded.xml"
define ordinary ""
daemon_up "$base/masked.facts"

says() { grep -qF -- "$1" <<<"$said"; }
listed() { said=$(xsavesctl list | tr -s ' ') && says "$1"; }

ok "list: it is unjudged" wait_for 30 listed "crowded unjudged invalid-xml"
ok "which is a failure" says "shutoff failed"
said=$(manager Explain s crowded 2>&1)
ok "Explain: the verdict" says '"verdict" s "unjudged" "means" s "none" "reason" s "invalid-xml"'
ok "the core's reason" says '"error" s "too many attributes in one element"'
ok "no rows" says '"steps" aa{sv} 0'
ok "the daemon lives" daemon_ready
said=$(xsavesctl explain crowded)
ok "explain: why" says "its definition cannot be judged"
ok "what to do" says "fix in the definition what the error names"
ok "the error" says "too many attributes in one element"
same "explain as JSON" "unjudged invalid-xml []" "$(xsavesctl explain --json crowded | python3 -c '
import json, sys
e = json.load(sys.stdin)
print(e["verdict"], e["reason"], e["steps"])')"
said=$(xsavesctl status)
ok "status counts it" says "1 that cannot be judged"
ok "and names it" says "crowded: cannot be judged: too many attributes in one element"
same "status as JSON" "1 0" "$(xsavesctl status --json | python3 -c '
import json, sys
guests = json.load(sys.stdin)["guests"]
print(guests["unjudged"], guests["keep"])')"
said=$(xsavesctl metrics)
ok "metrics count it" says 'xsavesd_guests{reason="invalid-xml"} 1'
ok "and not as another" says 'xsavesd_guests{reason="not-governed"} 0'
said=$(manager Converge bas true 1 crowded)
ok "Converge says the same" says '"verdict" s "unjudged" "means" s "none" "reason" s "invalid-xml"'
said=$(manager Converge bas true 1 nobody)
ok "and nothing of a guest that is not there" not says '"verdict"'
said=$(manager Revert as 1 crowded)
ok "Revert says the same" says '"verdict" s "unjudged" "means" s "none" "reason" s "invalid-xml"'

# gate TYPE
gate() { said=$(manager Gate sss "${2:-prepare}" begin "$(crowded "$1")" 2>&1); }
gate test
ok "the gate refuses it" says "too many attributes"
gate test started
ok "but not when it has started" says 'bsss true "unjudged" "invalid-xml"'
gate kvm
ok "it accepts one of a type that is not governed" says 'bsss true "unjudged" "invalid-xml"'
ok "with a warning that names it" grep -q "prepare: accepted: domain 'crowded' cannot be judged: invalid-xml: too many" \
    "$base/xsavesd.log"
granting_policy "enforce = no" >"$base/etc/policy.ini"
ok "the policy does not enforce" wait_for 10 property_is Enforce "b false"
gate test
ok "then it accepts it" says 'bsss true "unjudged" "invalid-xml"'
