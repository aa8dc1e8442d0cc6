#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# keep.sh PIDFILE COMMAND…: what the unit's Restart=always does, only sooner, and the journal's time in front of each
# line. Ends with the command at SIGTERM.

pidfile=$1
shift

stamp() {
    local line

    while IFS= read -r line; do
        printf '%s %s\n' "$EPOCHREALTIME" "$line"
    done
}

exec > >(stamp) 2>&1

# One that comes before the daemon can take it is not to end it. What is ignored stays so across exec, until it is asked for.
trap '' HUP

stopping=
# shellcheck disable=SC2317 # called by the trap
stop() {
    stopping=yes
    kill "$child"
}
trap stop TERM

until [[ -n $stopping ]]; do
    "$@" &
    child=$!
    echo "$child" >"$pidfile"
    # A signal of our own ends a wait too.
    while kill -0 "$child" 2>/dev/null; do
        wait "$child"
        status=$?
    done
    [[ -n $stopping ]] || echo "keep: it ended with status $status"
    sleep 0.1
done
