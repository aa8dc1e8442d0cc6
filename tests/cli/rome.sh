# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For tests of xsavesctl with real guests: the host of README.md's tour, in a sandbox. XSAVESD_BUILD is the build folder. To be
# sourced.
#
# Its kernel hides XSAVES, and its policy is the second one of README.md's example. Guest win2016-a runs since before that came
# into force; win2016-b has a CPU model, with which XSAVES cannot be forced; db has no rule; old-app asks for XSAVES and has
# no rule either.

rome_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../sandbox/agent.sh
. "$rome_root/tests/sandbox/agent.sh"
# shellcheck source=../tap.sh
. "$rome_root/tests/tap.sh"

# Meson's, for the libraries of the build folder. What is installed has to do without.
unset LD_LIBRARY_PATH

host=rome-3-1

on_host() { sandbox_in "$host" "$@"; }

rome_end() {
    local status=$?

    if ((tap_failed > 0 || status != 0)); then
        note "the daemon said:"
        note "$(sandbox_service_log "$host" xsavesd | tail -n 30)"
    fi
    sandbox_down_all
    ((status == 0)) || exit "$status"
    tap_end
}

skip_all() {
    trap - EXIT
    sandbox_down_all
    echo "1..0 # SKIP $1"
    exit 0
}

# The blocks of README.md that are indented and begin with this line, without the indentation.
readme_policy() {
    awk -v first="    $1" '
        $0 == first { inside = 1 }
        inside && /^[^ ]/ { exit }
        inside { sub(/^    /, ""); print }
    ' "$rome_root/README.md"
}

rome_guest() { guest_define "$host" "$@" >/dev/null || bail "cannot define $1"; }

rome_all_in_line() {
    [[ $(on_host xsavesctl list --json | grep -c '"definition": "converged"') == "$1" ]]
}

# The host without a policy of its own, and its guests; win2016-a runs.
rome_up() {
    ((EUID == 0)) || skip_all "needs root"
    [[ -d ${XSAVESD_BUILD:-} ]] || bail "XSAVESD_BUILD does not name a build folder"
    trap rome_end EXIT
    sandbox_up "$host" 2>/dev/null || skip_all "overlays cannot be mounted here"
    if ! sandbox_install "$host" "$XSAVESD_BUILD" || ! agent_facts "$host" || ! sandbox_libvirt_up "$host"; then
        bail "no host"
    fi
    on_host test -x "$agent_program" || skip_all "the build folder is configured with another prefix than /usr"
    # The guests here run without KVM.
    on_host sh -c 'mkdir -p /etc/xsavesd/policy.d; printf "[policy]\nvirt-types = kvm qemu\n" >/etc/xsavesd/policy.d/tcg.ini'
    agent_policy "$host" </dev/null
    agent_up "$host" || bail "the daemon is not ready"
    rome_guest win2016-a
    guest_xml "$host" win2016-b | sed "s|<cpu mode='maximum'></cpu>|<cpu><model>EPYC-Rome</model></cpu>|" \
        >"$sandbox_base/$host/run/guests/win2016-b.xml"
    on_host virsh -q define /run/guests/win2016-b.xml >/dev/null || bail "cannot define win2016-b"
    rome_guest db
    rome_guest old-app "$guest_forced_feature" "${guest_forced_args[@]}"
    wait_for 30 rome_all_in_line 4 || bail "the guests are not in line"
    on_host virsh -q start win2016-a || bail "win2016-a does not start"
}

# The policy comes into force.
rome_policy() {
    agent_policy "$host" < <(readme_policy "[host rack-3]")
    wait_for 30 rome_granted || bail "win2016-a is not granted XSAVES"
    wait_for 30 rome_all_in_line 4 || bail "the guests are not in line"
}
rome_granted() { on_host xsavesctl list | grep -q '^win2016-a .* granted-forced '; }

# What the tour works on, in /run/tour: a draft of a policy with a slip of the pen, that policy without it, the facts of this host
# and of another one, the guests' definitions as on a host with KVM, and that of a transient guest.
rome_files() {
    local place name

    place=$(sandbox_dir "$host")/run/tour
    mkdir -p "$place/draft" "$place/next" "$place/guests"
    {
        readme_policy "[host rack-3]"
        printf '\n[guest old-app]\nname = old-app\nxsaves = allow\nguest = erratum-aware\n'
    } >"$place/next/policy.ini"
    sed 's/erratum-aware$/erratum-awre/' "$place/next/policy.ini" >"$place/draft/policy.ini"
    on_host xsavesctl host --facts >"$place/rome-3-1.facts"
    sed 's/^hostname = .*/hostname = milan-1/' "$rome_root/tests/cli/data/zen3.facts" >"$place/milan-1.facts"
    for name in win2016-a win2016-b db old-app; do
        sed "s/<domain type='qemu'/<domain type='kvm'/" "$(sandbox_dir "$host")/run/guests/$name.xml" >"$place/guests/$name.xml"
    done
    guest_xml "$host" ci-7 "$guest_forced_feature" "${guest_forced_args[@]}" >"$place/ci-7.xml"
}

# On a terminal of 100 columns, were it one.
in_tour() { on_host env -C /run/tour LC_ALL=C.UTF-8 COLUMNS=100 bash -c "$1" 2>&1; }
