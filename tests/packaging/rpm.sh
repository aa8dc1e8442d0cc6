#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The RPM spec parses, builds from the sources as they are, and what it builds has all that the package needs. Not whether its
# dependencies have the right names: that takes a distribution with RPMs.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

for tool in rpmbuild rpmspec rpm git meson scdoc; do
    command -v "$tool" >/dev/null || { echo "1..0 # SKIP this machine has no $tool"; exit 0; }
done

root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-rpm.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

spec=$root/packaging/xsavesd.spec
version=$(sed -nE "s/^ *version: '(.*)',$/\1/p" "$root/meson.build")
# One that is not installed is not asked, nor are the user's own macros.
rpm_in() { HOME=$work "$@"; }

parses() {
    said=$(rpm_in rpmspec -P "$spec" 2>&1 >"$work/parsed")
    [[ -z $said && -s $work/parsed ]]
}
ok "the spec parses without a warning" parses
same "its version is Meson's" "$version" "$(rpm_in rpmspec -q --srpm --qf '%{version}' "$spec")"
same "and Debian's" "$version" "$(sed -nE '1s/^xsavesd \(([^)-]*).*/\1/p' "$root/debian/changelog")"

mkdir -p "$work/rpm/SOURCES"
git -c safe.directory="$root" -C "$root" ls-files -z -co --exclude-standard |
    while IFS= read -r -d '' file; do
        [[ ! -f $root/$file ]] || printf '%s\0' "$file"
    done >"$work/files"
tar -C "$root" --null -T "$work/files" --transform "s|^|xsavesd-$version/|" -czf "$work/rpm/SOURCES/xsavesd-$version.tar.gz"

# The packages that it wants are known by RPM's names to an RPM database only.
builds() {
    said=$(rpm_in rpmbuild -ba --nodeps --nocheck --define "_topdir $work/rpm" "$spec" 2>&1)
    local status=$?
    said=$(tail -n 30 <<<"$said")
    return "$status"
}
ok "rpmbuild makes packages" builds
package=$(find "$work/rpm/RPMS" -name "xsavesd-$version-*.rpm" | head -n 1)
ok "one of them is ours" test -s "$package"

files=$(rpm_in rpm -qlp "$package" 2>/dev/null)
has() { grep -qxE -- "$1" <<<"$files"; }
for file in /usr/bin/xsavesctl /usr/libexec/xsavesd /etc/libvirt/hooks/qemu.d/xsavesd /usr/lib/libvirt/xsavesd-hook \
    '/usr/lib(64|/[^/]*)?/xsavesd/hook-gate.so' '/usr/lib(64|/[^/]*)?/xsavesd/hook-fallback.so' \
    /usr/lib/systemd/system/xsavesd.service /usr/lib/sysusers.d/xsavesd.conf \
    /usr/share/dbus-1/system.d/org.xsavesd1.conf /usr/share/polkit-1/actions/org.xsavesd1.policy \
    '/usr/share/man/man8/xsavesd.8(.gz)?'; do
    ok "it has $file" has "$file"
done
same "the policy is a configuration file" /etc/xsavesd/policy.ini "$(rpm_in rpm -qpc "$package" 2>/dev/null)"

# As rpm prints them: a line with the name, then the script.
rpm_in rpm -qp --scripts "$package" >"$work/scripts" 2>/dev/null
for name in postinstall preuninstall postuninstall; do
    sed -n "/^$name scriptlet/,/^[a-z]* scriptlet/p" "$work/scripts" | grep -v ' scriptlet ' >"$work/$name"
    ok "its $name script is one" test -s "$work/$name"
    ok "which the shell reads" sh -n "$work/$name"
done
# shellcheck disable=SC2016
ok "removal reverts definitions, an upgrade does not" grep -Pzoq 'if \[ \$1 -eq 0 \]; then\n +xsavesctl revert --all' "$work/preuninstall"

tap_end
