# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xsavesd in a sandbox, on what looks like a Zen 2 host whose kernel hides XSAVES. To be sourced; brings guest.sh and
# sandbox.sh along.
#
#   agent_host_up HOST BUILD    the sandbox with xsavesd installed and libvirtd running, the daemon not yet started
#   agent_up HOST [COMMAND…]    start the daemon, and wait until it is on the bus and connected to libvirt; under that
#                               command, if one is given, which gets the daemon's as its arguments
#   agent_down HOST
#   agent_policy HOST           replace policy.ini by standard input
#   agent_property HOST NAME    a D-Bus property
#
# With XSAVESD_TEST_VALGRIND, the daemon runs under valgrind, which says on its stderr what it finds.

# shellcheck source=../sandbox/guest.sh
. "$(dirname "${BASH_SOURCE[0]}")/guest.sh"

agent_program=/usr/libexec/xsavesd
agent_under=()
[[ -z ${XSAVESD_TEST_VALGRIND:-} ]] || agent_under=(/run/valgrind.sh)

agent_host_up() {
    sandbox_up "$1" && sandbox_install "$1" "$2" && agent_facts "$1" && sandbox_libvirt_up "$1"
}

agent_facts() {
    sed "s/^hostname = .*/hostname = $1/" "$sandbox_source/zen2-masked.ini" >"$sandbox_base/$1/run/facts.ini"
}

agent_owns_name() {
    sandbox_in "$1" dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.NameHasOwner string:org.xsavesd1 2>/dev/null | grep -q 'boolean true'
}

agent_property() {
    sandbox_in "$1" dbus-send --system --print-reply=literal --dest=org.xsavesd1 /org/xsavesd1 \
        org.freedesktop.DBus.Properties.Get string:org.xsavesd1.Manager "string:$2" 2>/dev/null
}

agent_is_ready() { agent_owns_name "$1" && [[ $(agent_property "$1" LibvirtConnected) == *"boolean true"* ]]; }

agent_ready_or_dead() { agent_is_ready "$1" || sandbox_service_gone "$1" xsavesd; }

# With no more rights than its unit gives it.
agent_up() {
    local host=$1

    shift
    # The daemon's user may not reach it where it is.
    [[ -z ${XSAVESD_TEST_VALGRIND:-} ]] || cp "$sandbox_source"/../valgrind.{sh,supp} "$sandbox_base/$host/run/" || return 1
    # As systemd does: RuntimeDirectory=xsavesd.
    sandbox_in "$host" install -d -m 700 -o xsavesd -g xsavesd /run/xsavesd || return 1
    sandbox_service_up "$host" xsavesd "$@" env RUNTIME_DIRECTORY=/run/xsavesd setpriv --reuid xsavesd --regid xsavesd --init-groups --no-new-privs \
        --bounding-set -all --inh-caps -all "${agent_under[@]}" "$agent_program" --host /run/facts.ini || return 1
    wait_for $((15 * ${XSAVESD_TEST_SLOWDOWN:-1})) agent_ready_or_dead "$host"
    agent_is_ready "$host"
}

agent_down() { sandbox_service_down "$1" xsavesd; }

# As an editor does: a new file renamed into place.
agent_policy() { sandbox_in "$1" sh -c 'cat >/etc/xsavesd/.new && mv /etc/xsavesd/.new /etc/xsavesd/policy.ini'; }
