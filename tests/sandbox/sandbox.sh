# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A sandbox is one emulated host: its own mount, hostname and process namespaces, its own /etc, /usr and /run, and in it a
# system bus, libvirtd, QEMU and whatever a build of xsavesd installs. Nothing of it is left when it goes down. Any number
# of them can be up at once. To be sourced, as root.
#
#   sandbox_up NAME             make the host
#   sandbox_down NAME           end it and all that ran in it (sandbox_down_all: every one; done at exit by itself where
#                               the caller sets no EXIT trap of its own)
#   sandbox_in NAME COMMAND…    run a command in it
#   sandbox_dir NAME            its folder outside: run/ is its /run, log/ has the logs of its services
#   sandbox_uri NAME            a libvirt URI that reaches its libvirtd from outside
#   sandbox_install NAME BUILD  meson install, to the real paths, and the users that it brings
#   sandbox_libvirt_up NAME     the system bus and libvirtd; libvirt reads its hooks now, so install before
#   sandbox_service_up NAME SERVICE COMMAND…    start a daemon
#   sandbox_service_down NAME SERVICE [SIGNAL]  stop it, and wait until it is gone
#   sandbox_service_lives NAME SERVICE
#   wait_for SECONDS COMMAND…   poll until the command succeeds; fails when the time is over

sandbox_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sandbox_base=
sandbox_owner=$BASHPID
declare -A sandbox_line=()

sandbox_dir() { printf '%s\n' "$sandbox_base/$1"; }

sandbox_uri() { printf 'qemu+unix:///system?socket=%s\n' "$sandbox_base/$1/run/libvirt/libvirt-sock"; }

wait_for() {
    local end=$((SECONDS + $1))

    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

sandbox_say() { printf 'sandbox: %s\n' "$*" >&2; }

# The same name gives the same host UUID, so that a host is recognized when it comes up again.
sandbox_uuid() {
    local sum

    sum=$(printf 'xsavesd sandbox %s' "$1" | sha1sum)
    printf '%s-%s-5%s-8%s-%s\n' "${sum:0:8}" "${sum:8:4}" "${sum:13:3}" "${sum:17:3}" "${sum:20:12}"
}

# For children: only the caller itself may hold the lines, for a sandbox lives as long as somebody does.
sandbox_let_go() {
    local line

    for line in "${sandbox_line[@]}"; do
        exec {line}>&-
    done
}

sandbox_settled() { [[ -e $1/ready || ! -e $1 ]]; }

sandbox_is_gone() { [[ ! -e $sandbox_base/$1 ]]; }

sandbox_up() {
    local name=$1 dir line

    ((EUID == 0)) || { sandbox_say "needs root"; return 1; }
    if [[ -z $sandbox_base ]]; then
        sandbox_base=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-sandbox.XXXXXX") || return 1
        chmod 755 "$sandbox_base"
        [[ -n $(trap -p EXIT) ]] || trap sandbox_down_all EXIT
    fi
    dir=$sandbox_base/$name
    mkdir -p "$dir/run" "$dir/run/guests" "$dir/log" "$dir/layers" && mkfifo "$dir/line" || return 1

    (
        sandbox_let_go
        exec setsid bash "$sandbox_source/host.sh" "$name" "$dir" "$(sandbox_uuid "$name")" <"$dir/line" >/dev/null
    ) &
    exec {line}>"$dir/line"
    sandbox_line[$name]=$line
    wait_for 20 sandbox_settled "$dir"
    if [[ ! -e $dir/ready ]]; then
        sandbox_say "$name did not come up"
        sandbox_down "$name"
        return 1
    fi
}

sandbox_down() {
    local name=$1 line=${sandbox_line[$1]:-}

    [[ -n $line ]] || return 0
    unset "sandbox_line[$name]"
    # It may have gone by itself.
    { echo down >&"$line"; } 2>/dev/null
    exec {line}>&-
    if ! wait_for 20 sandbox_is_gone "$name"; then
        sandbox_say "$name does not go down"
        return 1
    fi
    if ((${#sandbox_line[@]} == 0)); then
        rmdir "$sandbox_base" 2>/dev/null
        sandbox_base=
    fi
}

sandbox_down_all() {
    local name

    # A subshell inherits the list, but the sandboxes are not its own.
    [[ $BASHPID == "$sandbox_owner" ]] || return 0
    for name in "${!sandbox_line[@]}"; do
        sandbox_down "$name"
    done
}

sandbox_in() {
    local pid

    pid=$(<"$sandbox_base/$1/pid") || return 1
    shift
    (
        sandbox_let_go
        # --root: the namespace's root is not ours in a chroot.
        exec nsenter --mount="/proc/$pid/ns/mnt" --uts="/proc/$pid/ns/uts" --pid="/proc/$pid/ns/pid_for_children" \
            --root="/proc/$pid/root" --wd=/ env -u DBUS_SESSION_BUS_ADDRESS -u XDG_RUNTIME_DIR -u LIBVIRT_DEFAULT_URI LC_ALL=C HOME=/root \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
    )
}

sandbox_service_up() {
    local name=$1 service=$2

    shift 2
    # shellcheck disable=SC2016 # expanded in the sandbox
    sandbox_in "$name" setsid --fork bash -c 'echo $$ >"/run/$1.sandbox-pid"; shift; exec "$@"' - "$service" "$@" \
        </dev/null >>"$sandbox_base/$name/log/$service" 2>&1
    wait_for 5 test -s "$sandbox_base/$name/run/$service.sandbox-pid"
}

# The number is one of the sandbox's own process namespace.
sandbox_service_signal() {
    local pid

    pid=$(cat "$sandbox_base/$1/run/$2.sandbox-pid" 2>/dev/null) || return 1
    sandbox_in "$1" sh -c "kill -$3 $pid" 2>/dev/null
}

sandbox_service_lives() { sandbox_service_signal "$1" "$2" 0; }

sandbox_service_gone() { ! sandbox_service_lives "$1" "$2"; }

sandbox_service_down() {
    sandbox_service_signal "$1" "$2" "${3:-TERM}" || return 0
    # libvirtd gives its threads 30 s (virNetDaemonRun()) and takes all of them where one asks a guest's monitor whose own thread
    # has ended: processResetEvent(), for a guest that was reset at this moment.
    if ! wait_for 45 sandbox_service_gone "$1" "$2"; then
        sandbox_say "$2 on $1 did not stop"
        sandbox_service_signal "$1" "$2" KILL
        wait_for 10 sandbox_service_gone "$1" "$2"
        return 1
    fi
    rm -f "$sandbox_base/$1/run/$2.sandbox-pid"
}

sandbox_service_log() { cat "$sandbox_base/$1/log/$2" 2>/dev/null; }

sandbox_install() {
    # shellcheck disable=SC2016 # expanded in the sandbox
    if ! sandbox_in "$1" sh -ec 'meson install --no-rebuild -C "$1"; systemd-sysusers' - "$2" \
        >"$sandbox_base/$1/log/install" 2>&1; then
        cat "$sandbox_base/$1/log/install" >&2
        return 1
    fi
}

sandbox_bus_answers() {
    sandbox_in "$1" dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId >/dev/null 2>&1
}

sandbox_libvirtd_answers() { sandbox_in "$1" virsh -q -c qemu:///system uri >/dev/null 2>&1; }

sandbox_answers_or_died() {
    "$3" "$1" || sandbox_service_gone "$1" "$2"
}

# HOST SERVICE CHECK: waits until the check succeeds, and says why it never will.
sandbox_service_ready() {
    wait_for 30 sandbox_answers_or_died "$@"
    "$3" "$1" || {
        sandbox_say "$2 on $1 does not answer; its log:"
        sandbox_service_log "$1" "$2" >&2
        return 1
    }
}

sandbox_libvirtd_up() {
    sandbox_service_up "$1" libvirtd /usr/sbin/libvirtd &&
        sandbox_service_ready "$1" libvirtd sandbox_libvirtd_answers
}

sandbox_libvirt_up() {
    sandbox_service_up "$1" dbus dbus-daemon --system --nofork --nopidfile &&
        sandbox_service_ready "$1" dbus sandbox_bus_answers &&
        sandbox_libvirtd_up "$1"
}
