#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the cases of this machine, one after the other in their order, and writes
# the report on its standard output: lines that begin with "ok" or "not ok", and
# evidence on lines that begin with #. A case that does not end with 0 has failed.

set -u
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C LIBVIRT_DEFAULT_URI=qemu:///system
export DEBIAN_FRONTEND=noninteractive
cd /

machine=$(tr ' ' '\n' </proc/cmdline | sed -n 's/^lab.machine=//p')
export machine
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir -p /srv/guests
chmod 755 /srv/guests

printf '# up after %s s\n' "$(cut -d. -f1 /proc/uptime)"
for case in /lab/cases/*.sh; do
    name=$(basename "$case" .sh)
    on=$(sed -n 's/^# machines: //p' "$case")
    [[ " $on " == *" $machine "* ]] || continue
    if grep -q '^# needs: package' "$case" && [[ ! -e /lab/debs/xsavesd.deb ]]; then
        continue
    fi
    started=$(date +%s)
    printf '# %s\n' "$name"
    since=$(date '+%Y-%m-%d %H:%M:%S')
    case_name=$machine/$name timeout -k 5 1800 bash /lab/inside/run.sh "$case" 2>/run/lab.stderr </dev/null | tee /run/lab.case
    status=${PIPESTATUS[0]}
    if [[ $status -ne 0 ]]; then
        printf 'not ok - %s: ended with status %s\n' "$machine/$name" "$status"
    fi
    if [[ $status -ne 0 ]] || grep -q '^not ok ' /run/lab.case; then
        sed 's/^/# stderr: /' /run/lab.stderr | tail -n 20
        journalctl --since "$since" -o cat -u xsavesd -u libvirtd -u virtqemud |
            tail -n 30 | sed 's/^/# journal: /'
    fi
    printf '# %s took %s s\n' "$name" "$(($(date +%s) - started))"
done
printf '# end of cases after %s s\n' "$(cut -d. -f1 /proc/uptime)"
sleep 0.3
