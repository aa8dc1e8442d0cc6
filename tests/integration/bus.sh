#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the daemon says on the bus: its interface as documented, the gate's answers, its errors.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

masked_host
bus_up
libvirt_up
daemon_up "$base/masked.facts"

# The interface, a line each: members with their arguments, without comments and annotations.
members() {
    xmllint --xpath "//interface[@name='org.xsavesd1.Manager']" - |
        sed -n "s/.*<\(method\|signal\|property\|arg\) \([^>]*[^/>]\)\/\?>.*/\1 \2/p" |
        sed -E 's/ access="read"//; s/([a-z]+) (type="[^"]*") (name="[^"]*")/\1 \3 \2/; s/ direction="in"//' | sort
}
wanted=$(members <"$here/../../conf/org.xsavesd1.Manager.xml")
got=$(bus introspect --xml-interface org.xsavesd1 /org/xsavesd1 | members)
same "the interface is the documented one" "$wanted" "$got"

gate() { said=$(manager Gate sss "$@" 2>&1); }
# busctl puts a backslash before quotes.
says() { grep -qF -- "$1" <<<"${said//\\\'/\'}"; }

ordinary=$(domain ordinary "")
asking=$(domain_forced asking)
granted=$(domain granted "")

gate prepare begin "$ordinary"
ok "an ordinary guest passes" says 'bsss true "deny" "denied-erratum-default" ""'
for operation in prepare start migrate restore; do
    gate "$operation" begin "$asking"
    ok "$operation: a guest that asks against the policy is refused" \
        says 'bsss false "deny" "denied-erratum-default" "domain '\''asking'\'' would see XSAVES: '
done
gate started begin "$asking"
ok "started is never refused" says 'bsss true "deny" "denied-erratum-default"'
gate prepare begin "$granted"
ok "a grant that is missing is refused by default" says 'bsss false "grant" "granted-forced" "domain '\''granted'\'' misses'
gate started begin "no XML"
ok "started is not even refused for bad XML" says 'bsss true "unjudged" "invalid-xml"'
for operation in stopped release reconnect attach nonsense; do
    gate "$operation" begin "no XML"
    ok "$operation is not judged" says 'bsss true "keep" "not-judged"'
done
gate prepare begin "<domain"
ok "bad XML is an error" says "domain XML is refused: line 1"
gate prepare begin '<!DOCTYPE a [<!ENTITY x "y">]><domain/>'
ok "so is a document type declaration" says "DOCTYPE"

said=$(manager Explain s nobody 2>&1)
ok "an unknown guest is an error" says "No guest 'nobody' is known"
define granted ""
ok "a known one is explained" wait_for 5 sh -c "busctl --address='$bus_address' call org.xsavesd1 /org/xsavesd1 \
    org.xsavesd1.Manager Explain s granted 2>/dev/null | grep -q '\"reason\" s \"granted-forced\"'"
said=$(manager Explain s granted)
ok "with the rules" says '"guest-rule" s "granted" "host-rule" s "all"'
ok "and the steps" says '"condition" s "the guest rule says deny"'

said=$(manager Rewrite s "$granted")
ok "Rewrite grants" says 'x86_64-cpu.x-force-features=on'
said=$(manager Rewrite s "$ordinary")
ok "Rewrite leaves alone what is right" says "<cpu mode='host-passthrough'></cpu>"

said=$(manager Converge bas true 1 granted)
ok "a dry run tells the change" says '"changed" b true'
said=$(manager Converge bas true 1 nobody)
ok "and an unknown guest" says '"error" s '

ok "facts and erratum are told" property_has Host '"erratum-1386" "live"'
ok "and the host rule" property_has Host '"host-rule" "all"'

said=$("$build/daemon/xsavesd" --bus "$bus_address" --policy "$base/etc" --host "$base/masked.facts" \
    --connect "$libvirt_uri" 2>&1)
ok "a second daemon does not take the name" says "Cannot serve org.xsavesd1"

stop dbus
rm -f "$base/bus"
bus_up
ok "the bus restarted, the daemon is back" wait_for 10 daemon_ready
gate prepare begin "$asking"
ok "and refuses as before" says 'bsss false'
