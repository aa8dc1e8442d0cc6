#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The bench itself, without xsavesd: what the other cases rely on.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

sandbox_up "$host" || bail "no sandbox"
sandbox_libvirt_up "$host" || bail "no libvirt"

define plain
ok "a guest starts" start plain
sees "it has no XSAVES" plain no

define forced-alone "$guest_forced_feature"
ok "a guest with the forced feature alone starts" start forced-alone
sees "it has no XSAVES either: QEMU drops what is not offered" forced-alone no

define_asking forced
ok "a guest with the feature and the QEMU argument starts" start forced
sees "it has XSAVES" forced yes
ok "it is saved" save forced
ok "it is restored" restore forced
sees "it still has XSAVES" forced yes

guest_forget "$host" forced
stop forced
guest_forget "$host" forced
ok "output from before does not count" not guest_has_printed "$host" forced

# A second host, to move a guest to.
first=$host
define_asking moving
ok "a guest to move starts" start moving
host=milan
sandbox_up "$host" || bail "no second sandbox"
sandbox_libvirt_up "$host" || bail "no second libvirt"
guest_disk "$host" moving
guest_forget "$host" moving
target=$(sandbox_uri "$host")
host=$first
ok "it moves live" try virsh -q migrate --live --unsafe moving "$target" tcp://127.0.0.1
host=milan
sees "it has XSAVES at the other host" moving yes
