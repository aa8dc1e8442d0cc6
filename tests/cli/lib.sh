# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of xsavesctl: whole outputs against files in data/expected. XSAVESCTL names the command under test. With
# XSAVESD_UPDATE=1 the files are written instead: read the difference before it is committed.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
xsavesctl=$(realpath "${XSAVESCTL:?XSAVESCTL does not name the command}")
data=$here/data

# What differs from run to run, one sed expression a line: set by the test.
steady=

# run_xsavesctl ARGUMENT…: status, stdout and stderr, as one text in $said.
run_xsavesctl() {
    local out err status

    out=$(mktemp) err=$(mktemp)
    "$xsavesctl" "$@" >"$out" 2>"$err"
    status=$?
    said=$(
        printf '$ xsavesctl %s\n' "$*"
        cat "$out"
        sed 's/^/stderr: /' "$err"
        echo "exit status $status"
    )
    rm -f "$out" "$err"
    [[ -z $steady ]] || said=$(sed -E "$steady" <<<"$said")
}

# prints NAME TEXT ARGUMENT…: its output is that of the file NAME.
prints() {
    local file=$data/expected/$1 text=$2

    shift 2
    run_xsavesctl "$@"
    [[ -z ${XSAVESD_UPDATE:-} ]] || printf '%s\n' "$said" >"$file"
    same "$text" "$(<"$file")" "$said"
}

# exits STATUS TEXT ARGUMENT…: with this status, with a message if it is not 0, and then with nothing on stdout.
exits() {
    local wanted=$1 text=$2 out err status

    shift 2
    out=$(mktemp) err=$(mktemp)
    "$xsavesctl" "$@" >"$out" 2>"$err"
    status=$?
    said=$(<"$err")
    ok "$text" test "$status" -eq "$wanted" -a \( "$wanted" -eq 0 -o -s "$err" \) -a \( "$wanted" -le 1 -o ! -s "$out" \)
    rm -f "$out" "$err"
}

# says TEXT: what the last command said has it.
says() { [[ $said == *"$1"* ]]; }
