#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A definition follows the policy: defined by somebody else, the policy edited, the policy broken.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

force="<feature policy='force' name='xsaves'/>"
disable="<feature policy='disable' name='xsaves'/>"

mkdir "$base/etc"
facts no >"$base/masked.facts"
printf '[policy]\nvirt-types = test\n' >"$base/etc/policy.ini"

# Whatever it makes of events, nothing of a user's is at stake: it does not even know the calls. nm lists what it imports.
calls_of_libvirt() { nm -D --undefined-only "$build/daemon/xsavesd" | grep -o 'vir[A-Z][A-Za-z0-9]*' | grep -v '^virEvent'; }
deletes() { calls_of_libvirt | grep -E 'Undefine|Destroy|Delete|Remove|Shutdown|Reset|Abort'; }
ok "it calls libvirt" grep -q virDomainDefineXMLFlags <(calls_of_libvirt)
ok "and nothing of it that undefines or deletes" not deletes

bus_up
libvirt_up
define early "$force"
daemon_up "$base/masked.facts"

ok "a domain that was there before is re-defined" wait_for 10 has early "$disable"
ok "and says by what" has early "reason=\"denied-erratum-default\""

define late "$force"
ok "a domain that somebody defines is re-defined" wait_for 10 has late "$disable"

define late "$force<feature policy='require' name='aes'/>"
ok "and again when somebody edits it" wait_for 10 has late "$disable"
ok "with the edit" has late "name='aes'"

ok "an edit of the policy is seen" changed \
    sh -c "printf '[policy]\nvirt-types = test\n[guest early]\nname = early\nxsaves = keep\n' >'$base/etc/policy.ini'"
ok "a domain that is now kept is as its owner wrote it" wait_for 10 has early "$force"
ok "without our record" not has early urn:xsavesd:domain:1
ok "another one stays denied" has late "$disable"

before=$(definition early)
generation=$(generation)
echo 'nonsense' >"$base/etc/policy.ini"
ok "a broken policy is reported, by file and line" wait_for 10 property_has PolicyError "policy.ini:1: "
same "the last good policy stays in force" "$generation" "$(generation)"
same "nothing is re-defined" "$before" "$(definition early)"
said=$(manager Reload 2>&1)
ok "a reload of it fails, saying why" grep -q "policy.ini:1: " <<<"$said"

ok "mended, it is taken" changed \
    sh -c "printf '[policy]\nvirt-types = test\ndefault = deny\n' >'$base/etc/policy.ini'"
ok "the error is gone" property_is PolicyError 's ""'
ok "and the domain denied" wait_for 10 has early "reason=\"denied-by-default\""

ok "told not to enforce" changed \
    sh -c "printf '[policy]\nvirt-types = test\nenforce = no\n' >'$base/etc/policy.ini'"
define free "$force"
ok "it knows of a new domain" wait_for 10 sh -c "busctl --address='$bus_address' call org.xsavesd1 /org/xsavesd1 \
    org.xsavesd1.Manager Explain s free 2>/dev/null | grep -q denied-erratum-default"
ok "and leaves it as it is" has free "$force"

# The test driver's domains go with its libvirtd, and no event says so.
lists() { manager ListGuests | grep -q "\"guest\" s \"$1\""; }
define gone ""
ok "a domain is listed" wait_for 10 lists gone
stop client
stop libvirtd
libvirt_up
ok "one that libvirt lost while nobody looked is forgotten" wait_for 30 not lists gone
ok "with libvirt there again" wait_for 30 daemon_ready
ok "its own domain is still listed" wait_for 10 lists test
