#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The examples in docs/examples, run as the systems run them that they are for: with the XML that each of these passes, the way
# it passes it, and by what it does with the outcome. XSAVESCTL names the command under test.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

[[ -x ${XSAVESCTL:-} ]] || bail "XSAVESCTL does not name the command"
xsavesctl=$(realpath "$XSAVESCTL")
examples=$here/../../docs/examples
data=$here/data
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-examples.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/etc" "$work/bin" "$work/nodes" "$work/hooks"
cat >"$work/etc/policy.ini" <<'END'
[host all]
hostname = *
xsaves = allow

[guest granted]
name = granted*
xsaves = allow
guest = never-uses-xsaves
END
cp "$here/../sandbox/zen2-masked.ini" "$work/nodes/node01.facts"

# The command as the examples call it, on this policy, and on this host where they do not name one.
cat >"$work/bin/xsavesctl" <<END
#!/bin/sh
case " \$* " in
    *" --host "*) ;;
    *) set -- "\$@" --host "$work/nodes/node01.facts" ;;
esac
exec "$xsavesctl" "\$@" --policy "$work/etc"
END
# Not into the journal of this machine.
cat >"$work/bin/logger" <<END
#!/bin/sh
cat -- "\$4" >>"$work/journal"
END
chmod +x "$work/bin/xsavesctl" "$work/bin/logger"
PATH=$work/bin:$PATH

# guest SYSTEM NAME FEATURE POLICY: its XML.
guest() { sed "s/NAME/$2/; s/FEATURE/$3/; s/POLICY/$4/" "$data/$1.xml"; }

has() { grep -qF -- "$2" "$1"; }
forces() {
    xmllint --xpath "/domain/cpu/feature[@name='xsaves' and @policy='force']" "$1" >/dev/null &&
        xmllint --xpath "/domain/*[local-name()='commandline']/*[@value='x86_64-cpu.x-force-features=on']" "$1" >/dev/null
} 2>&1
disables() { xmllint --xpath "/domain/cpu/feature[@name='xsaves' and @policy='disable']" "$1" >/dev/null 2>&1; }
canonical() { xmllint --c14n "$1"; }
same_xml() { cmp -s <(canonical "$1") <(canonical "$2"); }
reverts_to() { "$xsavesctl" revert - <"$1" >"$work/reverted" 2>/dev/null && same_xml "$work/reverted" "$2"; }

# try SYSTEM NAME FEATURE POLICY: run its example; what the system has then is in $work/out, what was said in $said.
try() {
    guest "$@" >"$work/in"
    "$1" "$work/in"
}

vdsm() {
    cp "$1" "$work/out"
    said=$(PYTHONPATH=$data PYTHONDONTWRITEBYTECODE=1 _hook_domxml=$work/out vmId=6f4cf4a7-7b63-4f6a-8d8a-4a3c2f1f0e11 \
        "$examples/vdsm/50_xsavesd" 2>&1)
}

kubevirt() {
    said=$(XSAVESD_FACTS=$work/nodes "$examples/kubevirt/onDefineDomain" --vmi "$(<"$data/kubevirt-vmi.json")" \
        --domain "$(<"$1")" 2>&1 >"$work/out")
}

# The agent reads both outputs as one, and goes on with what it had when the script fails.
cloudstack() {
    rm -f "$work/journal"
    if "$examples/cloudstack/libvirt-vm-xml-transformer.sh" transform "$(<"$1")" >"$work/out" 2>&1; then
        said=$(<"$work/journal")
        return 0
    fi
    said=$(<"$work/journal")
    cp "$1" "$work/out"
    return 1
}

# Everywhere the same: the XML says what was decided, and the reason is told.
check_system() {
    local system=$1 text=$2

    ok "$text: a guest that the policy allows" try "$system" granted-a svm disable
    ok "$text: gets XSAVES" forces "$work/out"
    ok "$text: the reason is told" grep -q granted-forced <<<"$said"
    ok "$text: reverted, it is what it was" reverts_to "$work/out" "$work/in"
    ok "$text: a guest that asks without a right to" try "$system" other-a xsaves require
    ok "$text: is denied" disables "$work/out"
    ok "$text: the reason is told" grep -q denied-erratum-default <<<"$said"
    ok "$text: an ordinary guest" try "$system" other-b svm disable
    ok "$text: is left as it is" same_xml "$work/out" "$work/in"
}

check_system vdsm "VDSM"
echo "nonsense" >>"$work/etc/policy.ini"
try vdsm granted-a svm disable
same "VDSM: with a bad policy the VM does not start" 2 "$?"
ok "VDSM: the mistake is told" grep -q 'policy.ini:9:' <<<"$said"
sed -i '$d' "$work/etc/policy.ini"

check_system kubevirt "KubeVirt"
sed -i 's/\[host all\]/[host all/' "$work/etc/policy.ini"
ok "KubeVirt: with a bad policy the VM is not defined" not try kubevirt granted-a svm disable
ok "KubeVirt: nothing is on standard output" test ! -s "$work/out"
ok "KubeVirt: the mistake is told" grep -q 'policy.ini:1:' <<<"$said"
sed -i 's/\[host all/[host all]/' "$work/etc/policy.ini"

check_system cloudstack "CloudStack"
echo "nonsense" >>"$work/etc/policy.ini"
ok "CloudStack: with a bad policy the script fails" not try cloudstack granted-a svm disable
ok "CloudStack: the VM is as it was" same_xml "$work/out" "$work/in"
ok "CloudStack: the mistake is in the journal" grep -q 'policy.ini:9:' <<<"$said"
sed -i '$d' "$work/etc/policy.ini"
"$examples/cloudstack/libvirt-vm-xml-transformer.sh" transformed "<domain/>" >"$work/out"
same "CloudStack: another method is refused" 2 "$?"

if command -v groovy >/dev/null; then
    groovy_transform() {
        said=$(LC_ALL=C groovy "$data/transform.groovy" "$examples/cloudstack" libvirt-vm-xml-transformer.groovy "$1" 2>&1 >"$work/out")
    }
    try_groovy() {
        guest cloudstack "${@:2}" >"$work/in"
        groovy_transform "$work/in"
    }
    ok "Groovy: a guest that the policy allows" try_groovy cloudstack granted-a svm disable
    ok "Groovy: gets XSAVES" forces "$work/out"
    ok "Groovy: the reason is told" grep -q granted-forced <<<"$said"
    ok "Groovy: reverted, it is what it was" reverts_to "$work/out" "$work/in"
    echo "nonsense" >>"$work/etc/policy.ini"
    ok "Groovy: with a bad policy the VM starts" try_groovy cloudstack granted-a svm disable
    ok "Groovy: as it was" same_xml "$work/out" "$work/in"
    ok "Groovy: the mistake is told" grep -q 'WARN .*policy.ini:9:' <<<"$said"
else
    verdict ok "Groovy # SKIP this machine has no groovy"
fi

tap_end
