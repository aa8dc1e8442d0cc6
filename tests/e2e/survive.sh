#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a re-definition must not lose: secrets, others' metadata, title, autostart, snapshots, managed save, checkpoints.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

host_up
policy_none
daemon_up

dir=$(sandbox_dir "$host")/run/guests
guest_xml "$host" granted | sed "s/type='raw'/type='qcow2'/; s/granted.img/granted.qcow2/
    s|  <memory |  <title>A guest</title>\n  <description>Its purpose</description>\n  <metadata><o:o xmlns:o='urn:other:1' a='b'>text</o:o></metadata>\n  <memory |
    s|<memballoon|<graphics type='vnc' autoport='yes' passwd='secret'/><memballoon|" >"$dir/granted.xml"
qemu-img convert -q -O qcow2 "$dir/granted.img" "$dir/granted.qcow2" || bail "cannot convert the disk"
on_host virsh -q define /run/guests/granted.xml || bail "cannot define"
on_host virsh -q "autostart granted; snapshot-create-as granted one" || bail "cannot set up"
on_host virsh -q "start granted; checkpoint-create-as granted two" || bail "cannot make a checkpoint"
on_host virsh -q managedsave granted || bail "cannot save"

whole() { on_host virsh -q dumpxml --inactive --security-info granted; }
# Without what a grant changes.
rest() {
    whole | xmlstarlet ed -N q=http://libvirt.org/schemas/domain/qemu/1.0 -N x=urn:xsavesd:domain:1 -d //q:commandline -d //x:domain \
        -d "//cpu/feature[@name='xsaves']" | xmllint --noblanks --c14n - | sed "s| xmlns:qemu='[^']*'||; s| xmlns:qemu=\"[^\"]*\"||"
}
before=$(rest)
whole_before=$(whole)

generation=$(property PolicyGeneration)
policy_grant
ok "the rule comes" wait_for 10 not property_is PolicyGeneration "$generation"
ok "the definition is changed" wait_for 10 definition_forces granted

same "all else is as it was" "$before" "$(rest)"
ok "the password among it" grep -q "passwd='secret'" <(whole)
ok "the other's metadata, too" grep -q "urn:other:1" <(whole)
ok "autostart" grep -q "Autostart: *enable" <(on_host virsh dominfo granted)
ok "the managed save" grep -q "Managed save: *yes" <(on_host virsh dominfo granted)
same "the snapshot" one "$(on_host virsh -q snapshot-list granted --name | xargs)"
same "the checkpoint" two "$(on_host virsh -q checkpoint-list granted --name | xargs)"

policy_none
restored() { [[ $(whole) == "$whole_before" ]]; }
ok "the rule goes, and the definition is as it was, to the letter" wait_for 10 restored

# Where definitions are shown, secrets are not.
generation=$(property PolicyGeneration)
policy_grant_with 'enforce = no'
ok "a policy that changes nothing by itself" wait_for 10 not property_is PolicyGeneration "$generation"
shown=$(on_host busctl call org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager Converge bas true 0; on_host xsavesctl diff granted)
ok "what would change is shown, as a whole" grep -q "x-force-features" <<<"$shown"
ok "the guest's graphics among it" grep -q "<graphics type=.*vnc" <<<"$shown"
ok "but not the password" not grep -q secret <<<"$shown"
ok "nor in the log" not grep -q secret <<<"$(sandbox_service_log "$host" xsavesd)"
