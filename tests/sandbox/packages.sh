# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# To be sourced.
#
#   packages_install PART…      installs what tests/packages.txt lists for these parts and this machine has not. Nothing
#                               that comes with them is started.

packages_list=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/packages.txt
packages_policy=/usr/sbin/policy-rc.d

packages_missing() {
    local part name status

    for part; do
        sed -nE "s/^([^ #]+) +# $part: .*/\1/p" "$packages_list"
    done | while read -r name; do
        # shellcheck disable=SC2016 # dpkg's own
        status=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)
        [[ $status == installed ]] || echo "$name"
    done
}

# A subshell of its own, so that its files go when it is interrupted, too.
packages_get() (
    log=$(mktemp) || exit 1
    made=("$log")
    trap 'rm -f "${made[@]}"' EXIT
    # On a host with systemd, installing libvirt would start it, and with it a bridge and firewall rules.
    if [[ ! -e $packages_policy ]]; then
        made+=("$packages_policy")
        printf '#!/bin/sh\nexit 101\n' >"$packages_policy"
        chmod 755 "$packages_policy"
    fi

    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get -qq update && apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
    } >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        exit 1
    }
)

packages_install() {
    local missing

    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]} > 0)) || return 0
    if ! command -v apt-get >/dev/null || ((EUID != 0)); then
        printf 'missing packages (Debian names), to be installed as root: %s\n' "${missing[*]}" >&2
        return 1
    fi
    printf 'installing %s\n' "${missing[*]}"
    packages_get "${missing[@]}"
}
