# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For test scripts: cases counted and told in TAP. A script ends with tap_end, or calls it from its own trap.

tap_count=0
tap_failed=0

# What the last command under test said, both outputs; shown when a case fails.
said=

note() { printf '# %s\n' "${*//$'\n'/$'\n'# }"; }

verdict() {
    local result=$1

    tap_count=$((tap_count + 1))
    shift
    printf '%s %d - %s\n' "$result" "$tap_count" "$*"
    [[ $result == ok ]] || tap_failed=$((tap_failed + 1))
}

# ok TEXT COMMAND…: the command succeeds.
ok() {
    local text=$1

    shift
    if "$@"; then
        verdict ok "$text"
    else
        verdict "not ok" "$text"
        note "failed: $*"
        [[ -z $said ]] || note "last said: $said"
    fi
}

not() { ! "$@"; }

# same TEXT WANTED GOT
same() {
    if [[ $2 == "$3" ]]; then
        verdict ok "$1"
    else
        verdict "not ok" "$1"
        note "wanted: $2"
        note "got:    $3"
    fi
}

bail() {
    echo "Bail out! $*"
    exit 99
}

# The plan, at the end, and the exit status that goes with it.
tap_end() {
    echo "1..$tap_count"
    ((tap_failed == 0)) || exit 1
}
