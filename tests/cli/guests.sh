#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every command on a real daemon with real guests, as text and as JSON; what it says to those who may not, and without libvirt.

set -u

# shellcheck source=rome.sh
. "$(dirname "$0")/rome.sh"
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

user=root
as_user() {
    on_host setpriv --reuid "$user" --regid "$user" --init-groups env -C /run/tour LC_ALL=C.UTF-8 ${COLUMNS:+COLUMNS="$COLUMNS"} "$@"
}
rome_xsavesctl() { as_user xsavesctl "$@"; }
xsavesctl=rome_xsavesctl
steady='s/^(xsavesd +version )[0-9.]+/\1VERSION/; s/("version": "|version=")[0-9.]+/\1VERSION/; s/^[0-9:]{8}  /TIME  /
s/pc-i440fx-[0-9.]+/pc-i440fx-VERSION/g; s/(cannot be reached: ).*(; start)/\1WHY\2/'

json=
checked=()
# both NAME TEXT VERB ARGUMENT…: as text and as JSON, which is kept for the schema.
both() {
    local name=$1 text=$2 verb=$3

    shift 3
    prints "rome/$name" "$text" "$verb" "$@"
    prints "rome/$name-json" "$text, as JSON" "$verb" --json "$@"
    printf '%s\n' "$said" >"$json/$verb-$name"
    checked+=("$json/$verb-$name")
}

rome_up
json=$(mktemp -d "${TMPDIR:-/tmp}/xsavesctl-json.XXXXXX") || exit 1
end() {
    rm -rf "$json"
    rome_end
}
trap end EXIT
rome_policy
rome_files
# One that no definition is kept of.
guest_xml "$host" passing >"$(sandbox_dir "$host")/run/tour/passing.xml"
on_host virsh -q create /run/tour/passing.xml || bail "cannot create a transient guest"
transient_is_listed() { rome_xsavesctl list | grep -q '^passing .* transient$'; }
ok "a transient guest is seen" wait_for 30 transient_is_listed

# --- to see ---
both status "status" status
both list "list" list
COLUMNS=60 prints rome/list-narrow "list in 60 columns" list
both host "host" host
both granted "a guest that is granted XSAVES, explained" explain win2016-a
both denied "one that is denied it" explain win2016-b
both transient "a transient one" explain passing
both diff "diff of all" diff
both diff-one "diff of one with a CPU model" diff win2016-b
prints rome/metrics "metrics" metrics

# --- to try ---
both check "check of the policy in force" check
both draft "check of a draft" check draft next
both rewrite "rewrite" rewrite ci-7.xml
both simulate "simulate" simulate --policy next --baseline /etc/xsavesd --host rome-3-1.facts --host milan-1.facts \
    guests/win2016-a.xml guests/win2016-b.xml guests/db.xml guests/old-app.xml
both simulate-here "simulate for this host" simulate guests/win2016-a.xml guests/db.xml
both file "a file, explained" explain --policy next --host milan-1.facts guests/old-app.xml

# --- to act ---
both reverted "revert of one" revert win2016-a
both dry-run "converge --dry-run" converge --dry-run
both converged "converge of two" converge win2016-a db
both reverted-all "revert of all" revert --all
both list-reverted "the list after it" list
both converged-all "converge of all" converge

# --- as it happens ---
sandbox_service_up "$host" monitor env LC_ALL=C.UTF-8 xsavesctl monitor
sandbox_service_up "$host" monitor-json xsavesctl monitor --json
asked() {
    on_host dbus-send --system --print-reply --dest=org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager.Gate string:prepare \
        string:begin string:"<domain type='qemu'><name>first</name></domain>" >/dev/null
    [[ -n $(sandbox_service_log "$host" monitor) && -n $(sandbox_service_log "$host" monitor-json) ]]
}
ok "two monitors watch" wait_for 30 asked
ok "a transient guest that asks for XSAVES is refused" not on_host virsh -q create /run/tour/ci-7.xml 2>/dev/null
ok "an ordinary one starts" on_host virsh -q start db
prints rome/reload "reload of what is the same" reload
agent_policy "$host" <"$(sandbox_dir "$host")/run/tour/draft/policy.ini"
prints rome/reload-refused "reload of a draft" reload
both status-refused "status after it" status
agent_policy "$host" <"$(sandbox_dir "$host")/run/tour/next/policy.ini"
prints rome/reload-new "reload of a new policy" reload
old_app_is_granted() { rome_xsavesctl list | grep -q '^old-app .* granted-forced '; }
ok "it is in force" wait_for 30 old_app_is_granted
both list-new "what it gives" list
sandbox_service_down "$host" monitor
sandbox_service_down "$host" monitor-json
# monitored NAME TEXT: but for what it took until it watched.
monitored() {
    said=$(sandbox_service_log "$host" "$1" | sed -E "$steady" | awk '/first/ && seen++ { next } { print }')
    [[ -z ${XSAVESD_UPDATE:-} ]] || printf '%s\n' "$said" >"$data/expected/rome/$1"
    same "$2" "$(<"$data/expected/rome/$1")" "$said"
}
monitored monitor "the monitor"
monitored monitor-json "the monitor, as JSON"
printf '%s\n' "$said" >"$json/monitor"
checked+=("$json/monitor")

# --- what is not there ---
both nobody "explain of nobody" explain nobody
both nobody-diff "diff of nobody" diff nobody
both nobody-converge "converge of nobody" converge db nobody
both nobody-revert "revert of nobody" revert nobody

# --- who may not ---
on_host useradd watcher -G libvirt
on_host useradd stranger
user=watcher
both watcher-list "group libvirt may look" list
for verb in "converge" "revert --all" reload; do
    # shellcheck disable=SC2086
    prints "rome/watcher-${verb%% *}" "but not $verb" $verb
done
user=stranger
for verb in status list "explain db" diff converge "revert db" reload "rewrite ci-7.xml"; do
    # shellcheck disable=SC2086
    prints "rome/stranger-${verb%% *}" "a stranger may not: $verb" $verb
done
user=root

# --- without libvirt, without the daemon ---
sandbox_service_down "$host" libvirtd
libvirt_is_gone() { rome_xsavesctl status | grep -q "not connected"; }
ok "the daemon knows that libvirt has gone" wait_for 30 libvirt_is_gone
both status-alone "status without libvirt" status
both list-alone "list without libvirt" list
for verb in "explain db" diff converge "revert db"; do
    # shellcheck disable=SC2086
    prints "rome/alone-${verb%% *}" "without libvirt: $verb" $verb
done
agent_down "$host"
for verb in status list "explain db" diff converge "revert db" reload "rewrite ci-7.xml" monitor metrics; do
    # shellcheck disable=SC2086
    prints "rome/nobody-there-${verb%% *}" "without the daemon: $verb" $verb
done

# Debian's Python, which has the module that tests/packages.txt names.
said=$(PATH=/usr/bin:$PATH python3 "$rome_root/tests/docs/schema.py" "$rome_root/docs/xsavesctl.schema.json" "${checked[@]}" 2>&1)
same "all ${#checked[@]} JSON outputs are as the schema says" "" "$said"
