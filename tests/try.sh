#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Shows on one real guest what xsavesd does. It builds the tree, makes a sandbox that looks like a Zen 2 host whose kernel
# hides XSAVES, and starts a guest there before and after a rule allows it XSAVES; the guest says what its own CPUID
# shows. Needs root and Debian 12; installs the packages that are missing (tests/packages.txt). Besides those it leaves
# nothing: no file, no process, no mount, and libvirt of this machine is not touched.

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
host=rome
guest=win2016-try

if ((EUID != 0)); then
    echo "try.sh makes a sandbox with a libvirtd of its own, so it needs root: sudo tests/try.sh" >&2
    exit 2
fi

step() { printf '* %s\n' "$*"; }

fail() {
    printf 'try.sh: %s\n' "$*" >&2
    exit 1
}

title() {
    if [[ -t 1 ]]; then
        printf '\n\033[1m%s\033[0m\n\n' "$*"
    else
        printf '\n%s\n\n' "$*"
    fi
}

indent() { sed 's/^/    /'; }

# shellcheck source=sandbox/packages.sh
. "$root/tests/sandbox/packages.sh"
# shellcheck source=sandbox/agent.sh
. "$root/tests/sandbox/agent.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-try.XXXXXX") || exit 1
trap 'sandbox_down_all; rm -rf "$work"' EXIT

run_logged() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }; }

virsh_in() { sandbox_in "$host" timeout 60 virsh -q "$@"; }

# What the guest printed after COMMAND.
seen_after() {
    guest_forget "$host" "$guest"
    "$@" >/dev/null || return 1
    guest_prints "$host" "$guest"
}

explain_line() {
    local eax

    read -r _ eax _ <<<"$2"
    printf '    %-32s CPUID.(0DH,1):EAX = 0x%s   XSAVES: %s\n' "$1" "$eax" "$(guest_sees_xsaves "$host" "$guest" "$2")"
}

definition() { virsh_in dumpxml --inactive "$guest"; }

definition_forces() { definition | grep -q "x-force-features=on"; }

packages_install build run || fail "packages are missing"

step "building"
run_logged meson setup --prefix=/usr --sysconfdir=/etc --libexecdir=libexec "$work/build" "$root" ||
    fail "it cannot be built"
run_logged meson compile -C "$work/build" || fail "it does not build"

step "making a host: Zen 2, erratum 1386 live, XSAVES hidden by its kernel"
agent_host_up "$host" "$work/build" || fail "the sandbox did not come up"
cat >"$work/none.ini" <<'END'
[policy]
virt-types = kvm qemu
END
cat >"$work/policy.ini" <<'END'
[policy]
virt-types = kvm qemu           ; the guest here runs without KVM

[host rome]
cpu = AuthenticAMD-23-49-*
xsaves = allow

[guest win2016]
name = win2016-*
xsaves = allow
guest = never-uses-xsaves
END
agent_policy "$host" <"$work/none.ini"
agent_up "$host" || fail "xsavesd did not start: $(sandbox_service_log "$host" xsavesd)"

step "starting guest $guest without a rule"
guest_define "$host" "$guest" || fail "the guest cannot be defined"
definition >"$work/before.xml"
before=$(seen_after virsh_in start "$guest") || fail "the guest does not start"
virsh_in destroy "$guest"

step "adding the rule, starting the guest again"
agent_policy "$host" <"$work/policy.ini"
wait_for 15 definition_forces || fail "the definition was not changed: $(sandbox_service_log "$host" xsavesd)"
definition >"$work/after.xml"
after=$(seen_after virsh_in start "$guest") || fail "the guest does not start"

step "saving and restoring it"
virsh_in save "$guest" /run/guests/saved >/dev/null || fail "the guest cannot be saved"
restored=$(seen_after virsh_in restore /run/guests/saved) || fail "the guest cannot be restored"

title "The rule (/etc/xsavesd/policy.ini)"
indent <"$work/policy.ini"

title "The reason (xsavesctl explain $guest)"
# Its first half is the whole decision table.
sandbox_in "$host" xsavesctl explain "$guest" >"$work/explained" || fail "xsavesctl explain failed"
sed -n '/^Guest /,$p' "$work/explained" | indent

title "The guest's definition, before and after"
diff -U1 --label before --label after "$work/before.xml" "$work/after.xml" | indent

title "What the guest itself saw"
explain_line "before" "$before"
explain_line "after" "$after"
explain_line "after, saved and restored" "$restored"
echo

[[ $(guest_sees_xsaves "$host" "$guest" "$before") == no && $(guest_sees_xsaves "$host" "$guest" "$after") == yes &&
    $(guest_sees_xsaves "$host" "$guest" "$restored") == yes ]] || fail "this is not what xsavesd promises"
