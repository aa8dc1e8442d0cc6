#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The hook with arguments and input that libvirt would never give it: it ends by itself, says nothing on stdout, and one line at
# most on stderr.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

RANDOM=$seed

bytes() { head -c "$1" /dev/urandom | tr -d '\0'; }
long=$(printf 'x%.0s' {1..60000})

# STDIN-FILE ARGUMENT…: how it ended is in $status.
run_hook() {
    local input=$1

    shift
    timeout 20 "$hook" "$@" <"$input" >"$base/out" 2>"$base/err"
    status=$?
    said=$(head -c 300 "$base/err")
}
behaved() {
    ((status <= 1)) && [[ ! -s $base/out ]] && (($(wc -l <"$base/err") <= 1)) &&
        { ((status == 0)) || [[ $said == "xsavesd: "* ]]; } && ! grep -q '[[:cntrl:]]' <(tr -d '\n' <"$base/err")
}
refused() { behaved && ((status == 1)); }

hostile_up bus_up
: >"$base/empty"
head -c 300000 /dev/urandom >"$base/noise"
printf '\0%s' "$(<"$base/ordinary.xml")" >"$base/nul"
{ cat "$base/ordinary.xml"; head -c 20 /dev/urandom; } >"$base/tail"
head -c 100 "$base/other.xml" >"$base/cut"
{ echo '<domain type="test"><name>big</name><description>'; head -c $((10 << 20)) /dev/zero | tr '\0' a; echo '</description></domain>'; } >"$base/big"

for input in empty noise nul tail cut big; do
    run_hook "$base/$input" guest prepare begin -
    ok "$input on stdin is refused by one line" refused
done
run_hook "$base/big" guest prepare begin -
ok "of 10 MiB it says so" grep -q 'larger than 8 MiB' "$base/err"
run_hook "$base/other.xml" "$long" prepare begin -
ok "a name of 60,000 characters" refused
run_hook "$base/other.xml" $'a\nb\e[2J\xff' prepare begin -
ok "a name with control characters" refused

failed=0
for ((i = 0; i < 150; i++)); do
    arguments=()
    for ((k = RANDOM % 6; k > 0; k--)); do
        case $((RANDOM % 7)) in
            0) arguments+=("$(bytes 40)") ;;
            1) arguments+=("") ;;
            2) arguments+=(prepare) ;;
            3) arguments+=(begin) ;;
            4) arguments+=(start) ;;
            5) arguments+=(--help) ;;
            *) arguments+=("%n%s\$(reboot)") ;;
        esac
    done
    run_hook "$base/other.xml" "${arguments[@]}" 2>/dev/null
    behaved || { failed=$((failed + 1)); note "$(printf '%q ' "${arguments[@]}"): $status: $said"; }
done
same "150 random argument lists" 0 "$failed"
run_hook "$base/other.xml" other prepare begin -
ok "and then what asks for XSAVES is refused" refused
run_hook "$base/ordinary.xml" ordinary prepare begin -
same "and an ordinary guest accepted" 0 "$status"
mkfifo "$base/open"
exec {open}<>"$base/open"
cat "$base/ordinary.xml" >&"$open"
run_hook "$base/open" ordinary prepare begin -
ok "a stdin that never ends is refused" refused
ok "which it says" grep -q incomplete-xml "$base/err"
yes '<!-- -->' >&"$open" &
endless=$!
run_hook "$base/open" ordinary prepare begin -
ok "one that brings more and more, too" refused
kill "$endless"
wait "$endless" 2>/dev/null
"$hook" ordinary prepare begin - <&- >"$base/out" 2>"$base/err"
status=$? said=$(<"$base/err")
ok "without stdin" refused
