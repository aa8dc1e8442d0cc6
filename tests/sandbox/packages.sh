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

packages_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >"$packages_log" 2>&1 </dev/null || {
        tail -n 20 "$packages_log" >&2
        return 1
    }
}

packages_install() {
    local missing packages_log status=0 own_policy=

    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]} > 0)) || return 0
    if ! command -v apt-get >/dev/null || ((EUID != 0)); then
        printf 'missing packages (Debian names), to be installed as root: %s\n' "${missing[*]}" >&2
        return 1
    fi
    printf 'installing %s\n' "${missing[*]}"

    packages_log=$(mktemp) || return 1
    # On a host with systemd this would start libvirtd, and with it a bridge and firewall rules.
    if [[ ! -e $packages_policy ]]; then
        own_policy=yes
        printf '#!/bin/sh\nexit 101\n' >"$packages_policy"
        chmod 755 "$packages_policy"
    fi
    { packages_apt update && packages_apt install --no-install-recommends "${missing[@]}"; } || status=1
    [[ -z $own_policy ]] || rm -f "$packages_policy"
    rm -f "$packages_log"
    return "$status"
}
