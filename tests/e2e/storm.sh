#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A storm: 40 domains that four clients define, edit, start, destroy and undefine all at once, while the policy is edited,
# SIGHUP is sent, libvirtd is restarted and the daemon is killed. Guests named always* may have XSAVES, never* may not, and
# for sometimes* it changes; half of the definitions that the clients write ask for it in full.
#
# What is done follows from STORM_SEED; it takes STORM_SECONDS. What came of it: storm/client.c and storm/judge.py.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

seed=${STORM_SEED:-1386}
seconds=${STORM_SECONDS:-60}
clients=4
groups=(always never sometimes)
names=()
for ((i = 0; i < 40; i++)); do
    names+=("$(printf '%s-%02d' "${groups[i % 3]}" "$i")")
done
# Nothing may take longer; but on a machine so busy that starts take seconds without a storm, see measure_starts().
limit_ms=5000

storm=$(cd "$(dirname "$0")/storm" && pwd)

# As judge.py reads it: when, and what.
trouble() { printf '%s %s\n' "$EPOCHREALTIME" "$*" >>"$folder/trouble"; }

# --- the guests ---

# Domain XML of NAME with the places that client.c fills; the rest goes to guest_xml.
template() {
    local name=$1

    shift
    guest_xml "$host" template "$@" | sed "
        s|<uuid>.*</uuid>|<uuid>$(sandbox_uuid "guest $name")</uuid><title>@WHOLE@</title><description>@EDIT@</description>|
        s|template\.out'|template.out' append='on'|
        s|template|$name|g"
}

# All that a guest ever prints is kept: append='on'.
prepare_guests() {
    local name

    folder=$(sandbox_dir "$host")/run/guests
    template @NAME@ >"$folder/plain" || bail "no template"
    template @NAME@ "$guest_forced_feature" "${guest_forced_args[@]}" >"$folder/asking" || bail "no template"
    for name in "${names[@]}"; do
        cp "$folder/template.img" "$folder/$name.img"
        prepare_xml "$name" plain
        prepare_xml "$name" asking
    done
}

prepare_xml() {
    sed "s|<uuid>.*</uuid>|<uuid>$(sandbox_uuid "guest $1")</uuid>|; s|@NAME@|$1|g" "$folder/$2" >"$folder/$1.$2.xml"
}

# --- the storm ---

# allow|deny for guests named sometimes*; the policy's times are before it is written.
write_policy() {
    trouble policy "$1" "$2"
    last_policy=$1
    policy <<END_OF_POLICY
[policy]
virt-types = kvm qemu
on-drift = $2

[host rome]
hostname = rome
xsaves = allow

[guest always]
name = always*
xsaves = allow
guest = never-uses-xsaves

[guest never]
name = never*
xsaves = deny

[guest sometimes]
name = sometimes*
xsaves = $1
guest = never-uses-xsaves
END_OF_POLICY
}

write_some_policy() {
    local grants=(allow deny) drifts=(refuse accept)

    write_policy "${grants[$1 % 2]}" "${drifts[$1 / 2 % 2]}"
}

signal_daemon() { on_host kill "-$1" "$(<"$(sandbox_dir "$host")/run/xsavesd.kept-pid")" 2>/dev/null; }

kill_daemon() {
    trouble kill
    signal_daemon KILL && kills=$((kills + 1))
}

# Until its end it may be asked for something, and after it nobody hears of what it did.
restart_libvirtd() {
    trouble libvirtd-stop
    # It ends when all calls have, and is killed where that takes too long.
    sandbox_service_down "$host" libvirtd 2>/dev/null
    trouble libvirtd-stop
    sandbox_libvirtd_up "$host" || bail "libvirtd does not come up again"
    trouble libvirtd-start
}

hang_up() {
    trouble hangup
    signal_daemon HUP
    sandbox_service_signal "$host" libvirtd HUP
}

# How long the daemon takes to say anything, or the bus to say that there is none.
ask_daemon() {
    local began=${EPOCHREALTIME/./} took

    property PolicyGeneration >/dev/null
    took=$(milliseconds_since "$began")
    ((took <= slowest_answer)) || slowest_answer=$took
}

make_trouble() {
    local end=$((SECONDS + seconds)) kind which pause

    RANDOM=$seed
    while ((SECONDS < end)); do
        kind=$((RANDOM % 100)) which=$RANDOM pause=$((RANDOM % 1000))
        if ((kind < 50)); then
            write_some_policy "$which"
        elif ((kind < 65)); then
            hang_up
        elif ((kind < 85)); then
            kill_daemon
        else
            restart_libvirtd
        fi
        ask_daemon
        sleep "$(printf '0.%03d' "$pause")"
    done
}

start_clients() {
    local own i j

    for ((i = 0; i < clients; i++)); do
        own=()
        for ((j = i; j < ${#names[@]}; j += clients)); do
            own+=("${names[j]}")
        done
        on_host timeout $((seconds + 120)) /run/guests/client qemu:///system $((seed * clients + i)) "$seconds" \
            /run/guests "${own[@]}" >"$folder/client.$i" &
        client_pids+=($!)
    done
}

milliseconds_since() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }

# As many starts at once as there are clients, and nothing else.
measure_starts() {
    local own=("${names[@]:0:clients}") name began pids=() took

    for name in "${own[@]}"; do
        sed "s/@WHOLE@//; s/@EDIT@//" "$folder/$name.plain.xml" >"$folder/$name.xml"
        on_host virsh -q define "/run/guests/$name.xml" || bail "cannot define $name"
    done
    wait_for 30 log_is_quiet || bail "it does not get quiet"
    began=${EPOCHREALTIME/./}
    for name in "${own[@]}"; do
        on_host virsh -q start "$name" &
        pids+=($!)
    done
    wait "${pids[@]}"
    took=$(milliseconds_since "$began")
    for name in "${own[@]}"; do
        on_host virsh -q "destroy $name; undefine $name" || bail "cannot undefine $name"
    done
    ((took * 5 <= limit_ms)) || limit_ms=$((took * 5))
    note "$clients starts at once took $took ms; in the storm nothing may take longer than $limit_ms ms"
}

log_is_quiet() {
    local before

    before=$(sandbox_service_log "$host" xsavesd | wc -l)
    sleep 3
    (($(sandbox_service_log "$host" xsavesd | wc -l) == before)) && agent_is_ready "$host"
}

# --- afterwards ---

# Which guests are defined; one that was undefined while it ran still runs.
defined() { on_host virsh -q list --all --persistent --name | grep .; }

# FOLDER: every definition, in a file of the guest's name.
dump_definitions() {
    local name commands=

    for name in $(defined); do
        commands+="dumpxml --inactive $name;"
    done
    mkdir "$folder/$1"
    on_host virsh -q "$commands" | awk -F '[<>]' -v folder="$folder/$1" '
        { text = text $0 "\n" }
        /^  <name>/ { name = $3 }
        /^<\/domain>/ { printf "%s", text >(folder "/" name); text = "" }'
}

forces() { grep -qF -- "${pair[0]}" "$1" && grep -qF -- "${pair[1]}" "$1"; }

has_part_of_it() { grep -qF -e "${pair[0]}" -e "${pair[1]}" "$1"; }

# Names of the guests whose definition is not what the policy says.
out_of_line() {
    local file name

    for file in "$folder/after/"*; do
        name=${file##*/}
        if [[ $name == always* || ($name == sometimes* && $last_policy == allow) ]]; then
            forces "$file" || printf '%s ' "$name"
        else
            ! has_part_of_it "$file" || printf '%s ' "$name"
        fi
    done
}

# As libvirt makes it of what its owner wrote last.
define_as_written() {
    local file name whole edit kind commands=

    for file in "$folder/reverted/"*; do
        name=${file##*/}
        whole=$(sed -nE 's|^ *<title>(.*)</title>|\1|p' "$file")
        edit=$(sed -nE 's|^ *<description>(.*)</description>|\1|p' "$file")
        kind=$(sed -nE "s/^(edit|unsure) $name $whole //p" "$folder/client."*)
        sed "s/@WHOLE@/$whole/; s/@EDIT@/$edit/" "$folder/$name.$kind.xml" >"$folder/$name.last.xml"
        commands+="define /run/guests/$name.last.xml;"
    done
    try virsh -q "$commands"
}

# The first guest of a group that is defined, started cold.
starts_and_sees() {
    local name

    name=$(defined | grep -m 1 "^$1") || bail "no guest named $1* is left"
    stop "$name"
    ok "$name starts" start "$name"
    sees "its XSAVES: $2" "$name" "$2"
}

judge() {
    local name value

    while read -r name value; do
        if [[ $name == "#" ]]; then
            note "$value"
        else
            result[$name]=$value
        fi
    done < <("$storm/judge.py" "$folder" "$(sandbox_dir "$host")/log/xsavesd" "$limit_ms")
    ((${#result[@]} > 0)) || bail "the storm cannot be judged"
}

host_up
prepare_guests
# shellcheck disable=SC2046 # several words
gcc -O1 -D_GNU_SOURCE -o "$folder/client" "$storm/client.c" $(pkg-config --cflags --libs libvirt) || bail "no client"

kills=0 slowest_answer=0 last_policy=
client_pids=()
write_policy allow refuse
agent_up "$host" "$storm/keep.sh" /run/xsavesd.kept-pid || bail "the daemon is not ready"
on_host "$storm/watch.py" /run/guests/quiet >"$folder/qemu" &
watcher=$!
measure_starts
note "seed $seed, $seconds s"
start_clients
make_trouble

ok "it gets quiet" wait_for 60 log_is_quiet
: >"$folder/quiet"
hung=0
for pid in "${client_pids[@]}"; do
    wait "$pid" || { note "a client ended with status $?"; hung=$((hung + 1)); }
done
same "clients that hang or fail" 0 "$hung"
ok "all QEMU processes were watched" wait "$watcher"

[[ -z ${STORM_KEEP:-} ]] || { on_host cp -r /var/log/libvirt /run/guests/; cp -r "$folder" "$(sandbox_dir "$host")/log" "$STORM_KEEP"; }
declare -A result=()
judge
note "${result[edits]} edits, ${result[redefined]} re-definitions; ${result[unsure]} calls were cut off by libvirtd's end"
note "${result[lost]} edits lost: ${result[reported]} reported, ${result[untellable]} by a daemon that did not live to tell," \
    "${result[unreported]} unreported; ${result[false]} reports of others, which were not lost or made anew at once"
note "${result[policies]} policies, ${result[hangups]} times SIGHUP, the daemon killed ${result[killed]} times, libvirtd" \
    "restarted ${result[restarts]} times"
note "${result[forced]} starts with XSAVES forced, ${result[plain]} without;" \
    "${result[printed]} guests printed, ${result[saw]} of them XSAVES"
note "the slowest call took ${result[slowest]} ms, not counting libvirtd's own absence; the daemon's slowest answer" \
    "$slowest_answer ms"
ok "there was a storm" test "${result[edits]}" -gt "$seconds"
same "edits lost without a report" 0 "${result[unreported]}"
same "guests that ran with XSAVES against the policy" 0 "${result[wrong]}"
ok "and some had it" test "${result[saw]}" -gt 0
same "the daemon ended only when it was killed" "$kills 0" "${result[killed]} ${result[died]}"
ok "no call took longer than $limit_ms ms" test "${result[slowest]}" -le "$limit_ms"
ok "nor did the daemon" test "$slowest_answer" -le "$limit_ms"
dump_definitions after
note "$(find "$folder/after" -type f | wc -l) guests are defined"
same "definitions that are not what the policy says" "" "$(out_of_line)"
starts_and_sees always yes
starts_and_sees never no
starts_and_sees sometimes "$([[ $last_policy == allow ]] && echo yes || echo no)"

policy <<'END'
[policy]
virt-types = kvm qemu
default = keep
END
ok "without a rule it gets quiet" wait_for 60 log_is_quiet
daemon_down
dump_definitions reverted
ok "each is defined as its owner wrote it last" define_as_written
dump_definitions written
ok "which is how the daemon left it" diff -r "$folder/reverted" "$folder/written"
