#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every way in which a policy comes to be another one is picked up by itself.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

etc=$base/etc
facts no >"$base/masked.facts"

default_is() { property_has Policy "\"default\" s \"$1\""; }
policy_text() { printf '[policy]\ndefault = %s\n' "$1"; }

# becomes TEXT DEFAULT COMMAND…: after the command, that is the policy's default.
becomes() {
    local text=$1 default=$2

    shift 2
    "$@" || bail "cannot set up: $text"
    ok "$text" wait_for 5 default_is "$default"
}

write() { policy_text "$2" >"$1"; }
rename() { policy_text "$2" >"$1.new" && mv "$1.new" "$1"; }
swap_folder() {
    local version=..v$RANDOM

    mkdir "$etc/$version" && policy_text "$1" >"$etc/$version/policy.ini"
    ln -s "$version" "$etc/..data.new" && mv -T "$etc/..data.new" "$etc/..data"
}
swap_whole() {
    mkdir "$base/next" && policy_text "$1" >"$base/next/policy.ini"
    mv "$etc" "$base/last$RANDOM" && mv "$base/next" "$etc"
}

mkdir "$etc"
bus_up
libvirt_up
daemon_up "$base/masked.facts"

becomes "an empty folder is the built-in policy" auto true
becomes "a file written in place" deny write "$etc/policy.ini" deny
becomes "a file renamed into place" keep rename "$etc/policy.ini" keep
mkdir "$etc/policy.d"
becomes "a drop-in in a new folder" deny write "$etc/policy.d/10-deny.ini" deny
becomes "an earlier drop-in" auto write "$etc/policy.d/05-auto.ini" auto
becomes "a drop-in renamed away" deny mv "$etc/policy.d/05-auto.ini" "$etc/policy.d/05-auto.off"
becomes "a hidden file is none" deny write "$etc/policy.d/.01-auto.ini" auto
becomes "a drop-in removed" keep rm "$etc/policy.d/10-deny.ini"
becomes "the file removed" auto rm "$etc/policy.ini"

swap_folder deny
becomes "a file behind a link to a folder" deny ln -s ..data/policy.ini "$etc/policy.ini"
becomes "that link swapped" keep swap_folder keep
becomes "and swapped again" deny swap_folder deny
mkdir "$base/else"
policy_text keep >"$base/else/central.ini"
becomes "a link to a file elsewhere" keep ln -sfn "$base/else/central.ini" "$etc/policy.ini"
becomes "that file edited in place" deny write "$base/else/central.ini" deny
becomes "that file renamed over" auto rename "$base/else/central.ini" auto

becomes "the whole folder swapped" keep swap_whole keep
becomes "and edited afterwards" deny write "$etc/policy.ini" deny
becomes "and swapped again" auto swap_whole auto

generation=$(generation)
mv "$etc" "$base/gone"
ok "the folder gone is an error" wait_for 5 property_has PolicyError "cannot be read"
same "and the last good policy stays" "$generation" "$(generation)"
policy_text deny >"$base/gone/policy.ini"
becomes "the folder back" deny mv "$base/gone" "$etc"

policy_text keep >"$etc/policy.ini"
kill -HUP "${process[xsavesd]}"
ok "a SIGHUP reads it, too" wait_for 5 default_is keep

# A drop-in that is written again and again, as it was, by somebody who does not stop.
mkdir -p "$etc/policy.d"
touch_without_end() { while sleep 0.03; do : >"$etc/policy.d/busy.ini"; done; }
start toucher touch_without_end
sleep 0.3
policy_text deny >"$etc/policy.ini"
ok "an edit is read though another file is written without pause" wait_for $((3 * ${XSAVESD_TEST_SLOWDOWN:-1})) default_is deny
stop toucher

# User namespaces have limits of their own. The bus and libvirt take the daemon for the same user still.
stop xsavesd
limits=/proc/sys/user
limited() { echo "$2" | nsenter --preserve-credentials -U -t "${process[xsavesd]}" tee "$limits/max_inotify_$1" >/dev/null; }
# WHAT: with no more than so many of them, the daemon is started and takes edits.
limited_daemon() {
    start xsavesd unshare -Ur sh -c "echo 0 >$limits/max_inotify_$1 && exec \"\$@\"" - \
        "${under[@]}" "$build/daemon/xsavesd" --bus "$bus_address" --policy "$etc" --host "$base/masked.facts" --connect "$libvirt_uri"
    ok "without inotify $1 the daemon starts" wait_for $((15 * ${XSAVESD_TEST_SLOWDOWN:-1})) daemon_ready
    same "and says so once" 1 "$(grep -c "Cannot watch $etc for changes .*: it is read every 10 seconds instead" "$base/xsavesd.log")"
    policy_text keep >"$etc/policy.ini"
    ok "an edit is seen all the same" wait_for 14 default_is keep
    limited "$1" 100
    policy_text auto >"$etc/policy.ini"
    ok "and the next" wait_for 14 default_is auto
    ok "it watches again as soon as it can" grep -q "$etc is watched for changes again" "$base/xsavesd.log"
    policy_text deny >"$etc/policy.ini"
    ok "and sees at once what is edited" wait_for $((3 * ${XSAVESD_TEST_SLOWDOWN:-1})) default_is deny
    same "and has not said more" 1 "$(grep -c "Cannot watch" "$base/xsavesd.log")"
    stop xsavesd
    : >"$base/xsavesd.log"
}
if unshare -Ur sh -c "echo 0 >$limits/max_inotify_instances" 2>/dev/null; then
    limited_daemon instances
    limited_daemon watches
else
    ok "no inotify instance # SKIP this machine lets nobody make a user namespace" true
fi
