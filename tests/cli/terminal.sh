#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xsavesctl on a terminal, of 80 and of 200 columns: what stands there, colours and all. tmux is the terminal; an escape is
# written as ^[ in the files to compare with.

set -u

# shellcheck source=rome.sh
. "$(dirname "$0")/rome.sh"
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

command -v tmux >/dev/null || skip_all "this machine has no tmux"

# A server for each terminal: one that is ending refuses the next session.
terminals=0
tmux_() { on_host env -C /run/tour LC_ALL=C.UTF-8 tmux -u -f /dev/null -S "/run/tmux-$terminals" "$@"; }

# screen [OPTION…]: what is on it.
screen() { tmux_ capture-pane -p -t main "$@" 2>&1; }
ended() { screen | grep -q '^\[exit status [0-9]*\]$'; }

# run_on WIDTH COMMAND: starts it on a terminal of that width.
run_on() {
    ((terminals == 0)) || tmux_ kill-server
    terminals=$((terminals + 1))
    # shellcheck disable=SC2016 # the shell there
    tmux_ new-session -d -s main -x "$1" -y 70 \
        sh -c 'sh -c "$1"; printf "[exit status %d]\n" "$?"; exec sleep 600' sh "$2" || bail "no terminal"
}
wait_end() { wait_for 30 ended || bail "the command on the terminal does not end: $(screen)"; }

# shows NAME TEXT COMMAND: the screen is that of the file NAME-WIDTH, in both widths.
shows() {
    local width

    for width in 80 200; do
        run_on "$width" "$3"
        wait_end
        compare "$1-$width" "$2, in $width columns" "$width"
    done
}

# compare NAME TEXT WIDTH: and no line is broken by the terminal.
compare() {
    local file=$data/expected/terminal/$1 broken

    said=$(screen -e | sed -E 's/\x1b/^[/g; s/^(xsavesd +version )[0-9.]+/\1VERSION/' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}')
    [[ -z ${XSAVESD_UPDATE:-} ]] || printf '%s\n' "$said" >"$file"
    same "$2" "$(<"$file")" "$said"
    # Joined, as they were printed.
    broken=$(screen -J | awk -v width="$3" '{ sub(/ +$/, "") } length > width && !/xmlns/')
    same "$2: every line fits" "" "$broken"
}

rome_up
rome_policy
rome_files

shows status "status" "xsavesctl status"
shows list "list" "xsavesctl list"
shows explain "explain" "xsavesctl explain win2016-a"
shows diff "diff" "xsavesctl diff win2016-a"
shows no-colour "list without colour" "NO_COLOR=1 xsavesctl list"
shows simulate "simulate" "xsavesctl simulate --policy next --baseline /etc/xsavesd --host rome-3-1.facts --host milan-1.facts guests/*.xml"
shows help "help" "xsavesctl converge --help"

# --- progress: libvirt takes its time ---
farm_xml() {
    printf "<domain type='qemu'><name>%s</name><memory>16384</memory><os><type arch='x86_64'>hvm</type></os>%s</domain>" \
        "$1" "<cpu mode='maximum'><feature policy='force' name='xsaves'/></cpu>"
}
for i in {01..40}; do
    farm_xml "farm-$i" >"$(sandbox_dir "$host")/run/guests/farm.xml"
    on_host virsh -q define /run/guests/farm.xml || bail "cannot define farm-$i"
done
try() { said=$(on_host xsavesctl "$@" 2>&1); }
ok "all guests are in line" wait_for 60 rome_all_in_line 44
ok "all are reverted" try revert --all
progresses() { screen | grep -qx '[0-9]* of 44'; }
for width in 80 200; do
    sandbox_service_signal "$host" libvirtd STOP
    run_on "$width" "xsavesctl converge"
    ok "converge tells how far it is, in $width columns" wait_for 20 progresses
    sandbox_service_signal "$host" libvirtd CONT
    wait_end
    compare "converge-$width" "converge, and nothing of that is left" "$width"
    try revert --all
done
