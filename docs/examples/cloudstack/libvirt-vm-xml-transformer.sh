#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# CloudStack's libvirt XML transformer: the VM's XML as xsavesd's policy wants it on this host. For agents that take a
# shell_script; older ones take the Groovy script beside this one.
#
# To /etc/cloudstack/agent/hooks/libvirt-vm-xml-transformer.sh, executable. The agent calls it with the name of the method
# and the XML, and takes standard output and standard error together as the new XML: so the reason goes to the journal.
# When this fails the agent goes on with the XML as it was, and xsavesd's libvirt hook is what refuses it.

if [ "$#" -ne 2 ] || [ "$1" != transform ]; then
    exit 2
fi

reason=$(mktemp) || exit 1
trap 'rm -f "$reason"' EXIT

printf '%s\n' "$2" | xsavesctl rewrite --offline 2>"$reason"
status=$?
logger -t xsavesd-transformer -f "$reason" 2>/dev/null
exit "$status"
