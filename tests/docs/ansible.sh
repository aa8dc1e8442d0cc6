#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Ansible role in docs/examples/ansible, against this machine: its folder for the policy, its guests and the daemon's answer
# to a reload are the test's own. XSAVESCTL names the command under test.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

command -v ansible-playbook >/dev/null || { echo "1..0 # SKIP this machine has no ansible-playbook"; exit 0; }

[[ -x ${XSAVESCTL:-} ]] || bail "XSAVESCTL does not name the command"
xsavesctl=$(realpath "$XSAVESCTL")
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-ansible.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# Not a wrapper, of which each task would start one.
python=$(python3 -c 'import sys; print(sys.executable)')

mkdir -p "$work/etc/policy.d" "$work/bin" "$work/domains" "$work/policy/policy.d"
cp "$root/conf/policy.ini" "$work/etc/policy.ini"
for name in win2016-a other; do
    cat >"$work/domains/$name.xml" <<END
<domain type='kvm'>
  <name>$name</name>
  <memory>1024</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <cpu mode='host-passthrough'/>
</domain>
END
done

cat >"$work/bin/xsavesctl" <<END
#!/bin/sh
case "\$*" in
    "host --facts") exec cat "$here/../sandbox/zen2-masked.ini" ;;
    reload)
        echo reloaded >>"$work/reloads"
        if [ -e "$work/daemon-refuses" ]; then
            echo "xsavesctl: policy.ini:1: the daemon says no" >&2
            exit 1
        fi
        exit 0
        ;;
esac
exec "$xsavesctl" "\$@"
END
cat >"$work/bin/virsh" <<END
#!/bin/sh
case "\$*" in
    *" list "*) ls "$work/domains" | sed 's/\.xml$//'; echo ;;
    *" dumpxml "*) for guest; do :; done; cat "$work/domains/\$guest.xml" ;;
esac
END
chmod +x "$work/bin/xsavesctl" "$work/bin/virsh"

cat >"$work/play.yml" <<'END'
- hosts: all
  gather_facts: false
  roles: [xsavesd_policy]
END

# roll [VARIABLE=VALUE]…
roll() {
    local arguments=()

    for variable; do
        arguments+=(-e "$variable")
    done
    said=$(cd "$work" && HOME=$work LC_ALL=C.UTF-8 ANSIBLE_LOCALHOST_WARNING=false ANSIBLE_NOCOLOR=1 ANSIBLE_PIPELINING=1 \
        ANSIBLE_ROLES_PATH="$root/docs/examples/ansible/roles" \
        timeout 600 ansible-playbook -i localhost, -c local -e "ansible_python_interpreter=$python" \
        -e "xsavesd_policy_source=$work/policy" -e "xsavesd_policy_folder=$work/etc" \
        -e "xsavesd_policy_xsavesctl=$work/bin/xsavesctl" -e "xsavesd_policy_virsh=$work/bin/virsh" \
        "${arguments[@]}" play.yml 2>&1)
}

says() { grep -qF -- "$1" <<<"$said"; }
in_force() { cat "$work/etc/policy.ini" "$work"/etc/policy.d/*.ini 2>/dev/null; }
reason_of() {
    "$xsavesctl" explain --json --policy "$work/etc" --host "$here/../sandbox/zen2-masked.ini" "$work/domains/$1.xml" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["reason"])'
}

syntax() {
    HOME=$work LC_ALL=C.UTF-8 ansible-playbook -i localhost, --syntax-check "$root/docs/examples/ansible/site.yml" >/dev/null 2>&1
}
ok "the playbook is one" syntax

# The policy that it comes with, on a host that it is for.
cp -R "$root/docs/examples/ansible/policy/." "$work/policy"
sed -i 's/^hostname = .*/hostname = rome-*/' "$work/policy/policy.ini"
before=$(in_force)

ok "a policy by which a guest gains XSAVES is not swapped in unseen" not roll
ok "the guest is named" says win2016-a
ok "so is what to do" says xsavesd_policy_accept_changes
same "the policy in force is as it was" "$before" "$(in_force)"
ok "the daemon was told nothing" test ! -e "$work/reloads"

ok "accepted, it is swapped in" roll xsavesd_policy_accept_changes=true
same "it is in force" "$(cat "$work/policy/policy.ini" "$work/policy/policy.d/10-settings.ini")" "$(in_force)"
same "the guest is granted XSAVES" granted-forced "$(reason_of win2016-a)"
same "the daemon was told" reloaded "$(<"$work/reloads")"
same "anybody may read it" 644 "$(stat -L -c %a "$work/etc/policy.ini")"

ok "once more" roll
ok "it changes nothing" says "changed=0"

version=$(readlink "$work/etc/current")
echo "xsave = allow" >>"$work/policy/policy.ini"
ok "a policy with a mistake is not swapped in" not roll xsavesd_policy_accept_changes=true
ok "the mistake is told" says "policy.ini:14: "
same "the one before is in force" "$version" "$(readlink "$work/etc/current")"
sed -i '$d' "$work/policy/policy.ini"

sed -i 's/^name = .*/name = win2016-* win2019-*/' "$work/policy/policy.ini"
touch "$work/daemon-refuses"
ok "a policy that the daemon refuses is not left in force" not roll
ok "its words are told" says "the daemon says no"
same "the one before is" "$version" "$(readlink "$work/etc/current")"
rm "$work/daemon-refuses"

rm -rf "${work:?}/etc"
mkdir -p "$work/etc/policy.d"
echo "; somebody else's" >"$work/etc/policy.d/50-else.ini"
ok "files of somebody else in policy.d are not removed" not roll xsavesd_policy_accept_changes=true
ok "they are there" test -e "$work/etc/policy.d/50-else.ini"

tap_end
