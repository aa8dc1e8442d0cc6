#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The qemu hook: what it judges, what it does without a daemon, how long it takes at most, and what it makes of bad input.
# Whatever happens, stdout stays empty and a refusal is one line on stderr.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

hook=$build/hooks/hook-in-tree
export DBUS_SYSTEM_BUS_ADDRESS=$bus_address

# on_cpu TREE COMMAND…: where /proc/cpuinfo is that of tests/data/host/trees/TREE, which takes root.
on_cpu() {
    local cpuinfo

    cpuinfo=$(realpath "$here/../data/host/trees/$1/proc/cpuinfo")
    shift
    # shellcheck disable=SC2016 # the inner shell's own
    unshare --mount sh -c 'mount --bind "$0" /proc/cpuinfo && exec "$@"' "$cpuinfo" "$@"
}
# Without root, on this machine's own.
((EUID == 0)) || on_cpu() { shift; "$@"; }
# Zen 2 and Linux masks XSAVES, if not said otherwise.
cpu=zen2-masked

# asks PROGRAM OPERATION [SUB-OPERATION] <XML: its status, what it said on stderr, and the milliseconds that it took.
asks() {
    local began

    began=$(date +%s%N)
    on_cpu "$cpu" timeout 30 "$1" guest "$2" "${3:-begin}" - >"$base/stdout" 2>"$base/stderr"
    status=$?
    took=$((($(date +%s%N) - began) / 1000000))
    said=$(<"$base/stderr")
    [[ ! -s $base/stdout ]] || said="stdout: $(<"$base/stdout")"
}
accepted() { [[ $status == 0 && -z $said ]]; }
refused() { [[ $status == 1 && $(wc -l <"$base/stderr") == 1 && $said == "xsavesd: "* && $said == *"$1"* ]]; }

before_start=(prepare start migrate restore)
not_judged=(stopped release reconnect attach "" nonsense)

ordinary=$(domain ordinary "")
optional=$(domain optional "<feature policy='optional' name='xsaves'/>")
asking=$(domain_forced asking)
requiring=$(domain requiring "<feature policy='require' name='xsaves'/>")
forcing=${ordinary/<\/domain>/<commandline xmlns=\'http://libvirt.org/schemas/domain/qemu/1.0\'><arg
    value=\'-cpu\'/><arg value=\'max,x-force-features=on\'/></commandline></domain>}

for operation in "${not_judged[@]}"; do
    asks "$hook" "$operation" <<<"no XML"
    ok "'$operation' is not judged" accepted
done
asks "$hook" start end <<<"$asking"
ok "nor is the end of an operation" accepted
"$hook" guest start </dev/null
same "too few arguments are no operation" 0 $?
# Sanitizers come with libraries of their own.
linked() {
    readelf -d "$build/hooks/$1" | sed -n 's/.*NEEDED.*\[\(.*\)\.so.*/\1/p' | grep -vE 'san|libgcc|libm$' | xargs
}
same "it links libc alone" "libc" "$(linked xsavesd)"
same "the module that asks does not link libxml2" "libsystemd libc" "$(linked hook-gate.so)"

judge_without_daemon() {
    local operation

    for operation in "${before_start[@]}"; do
        asks "$hook" "$operation" <<<"$ordinary"
        ok "$1: $operation: an ordinary guest is accepted" accepted
        asks "$hook" "$operation" <<<"$asking"
        ok "$1: $operation: one that asks for XSAVES is refused" refused "daemon-unreachable: $2"
    done
    asks "$hook" start <<<"$optional"
    ok "$1: XSAVES where there is any is not insisting on it" accepted
    asks "$hook" start <<<"$forcing"
    ok "$1: QEMU arguments that force XSAVES are" refused "daemon-unreachable"
    asks "$hook" started <<<"$asking"
    ok "$1: started is never refused" accepted
    asks "$hook" prepare <<<"<domain"
    ok "$1: XML that is none is refused" refused "invalid-xml: line "
}
judge_without_daemon "no bus" "No such file or directory"

# PROGRAM TEXT: what KVM may offer by itself, and nobody knows whether the guest may have it.
judge_by_cpuinfo() {
    local operation xml

    for cpu in cpuinfo-alone cpuinfo-hygon; do
        for operation in "${before_start[@]}"; do
            asks "$1" "$operation" <<<"$ordinary"
            ok "$2: $cpu, not masked: $operation: an ordinary guest may see XSAVES and is refused" refused "daemon-unreachable"
        done
        for xml in "$custom" "$with_cpu_args"; do
            asks "$1" prepare <<<"$xml"
            ok "$2: $cpu, not masked: so is one with a model, or with a CPU by QEMU's arguments" refused "daemon-unreachable"
        done
        asks "$1" prepare <<<"$without_cpu"
        ok "$2: $cpu, not masked: the default CPU is accepted" accepted
        asks "$1" started <<<"$ordinary"
        ok "$2: $cpu, not masked: started is not refused" accepted
    done
    for cpu in zen2-masked cpuinfo-zen3 not-x86; do
        for xml in "$ordinary" "$custom" "$without_cpu"; do
            asks "$1" prepare <<<"$xml"
            ok "$2: $cpu: an ordinary guest is accepted" accepted
        done
    done
    cpu=zen2-masked
}
custom=$(domain custom "<model>EPYC-Rome</model>" custom)
without_cpu=$(domain without-cpu "" | grep -v "<cpu ")
# with_args ARG…: XML without a CPU, and these arguments for QEMU.
with_args() {
    local arg

    sed '$d' <<<"$without_cpu"
    echo "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
    for arg; do
        echo "<qemu:arg value='$arg'/>"
    done
    echo "</qemu:commandline></domain>"
}
with_cpu_args=$(with_args -cpu host)
bare=$build/hooks/hook-without-modules
if ((EUID == 0)); then
    judge_by_cpuinfo "$hook" "no bus"
    cpu="cpuinfo-alone"
    asks "$hook" prepare <<<"$(domain off "<feature policy='disable' name='xsaves'/>")"
    ok "not masked: one that turns XSAVES off is accepted" accepted
    cpu=zen2-masked
    judge_by_cpuinfo "$bare" "no modules"
else
    verdict ok "judged by /proc/cpuinfo # SKIP it takes root to show another one"
fi

bad_input() {
    local operation

    for operation in "${before_start[@]}"; do
        asks "$hook" "$operation" <<<""
        ok "$1: $operation: no XML at all is refused" refused "domain 'guest': invalid-xml: "
    done
    asks "$hook" start < <(head -c 10485760 /dev/zero | tr '\0' ' ')
    ok "$1: 10 MiB are refused" refused "larger than 8 MiB"
    asks "$hook" started < <(head -c 10485760 /dev/zero | tr '\0' ' ')
    ok "$1: but not at started" accepted
    asks "$hook" start < <(printf '%s\0' "$ordinary")
    ok "$1: a NUL is refused" refused "NUL"
    asks "$hook" start < <(printf '<domain>\xe4</domain>')
    ok "$1: what is not UTF-8 is refused" refused "invalid-xml"
    asks "$hook" start <<<"<!DOCTYPE a [<!ENTITY x 'y'>]><domain/>"
    ok "$1: a document type declaration is refused" refused "DOCTYPE"
    asks "$hook" start <&-
    ok "$1: a closed stdin is no XML" refused "invalid-xml"
    asks "$hook" started <&-
    ok "$1: but not at started" accepted
    "$hook" guest start begin - <<<"$ordinary" >&-
    same "$1: a closed stdout does no harm" 0 $?
    "$hook" guest start begin - <<<"$asking" 2>&- >&-
    same "$1: nor does a closed stderr" 1 $?
    said=$("$hook" guest start begin - <<<"$asking" 2>/dev/full)
    same "$1: nor one that cannot be written" 1 $?
}
bad_input "no bus"

# libvirt holds the domain's lock: whatever hangs, it is not for long.
declare -A limit=([prepare]=2000 [start]=1000 [started]=500 [migrate]=2000 [restore]=2000)
# A sanitizer adds its own to the end of a program.
slack=$((${XSAVESD_TEST_SLOWDOWN:-1} > 1 ? 1000 : 0))

# in_time OPERATION COMMAND…: which asks; one time out of three, since what else the machine does can but make it slower.
in_time() {
    local operation=$1 try

    shift
    for try in 1 2 3; do
        "$@"
        ((took > limit[$operation] + slack)) || break
        note "$operation took $took ms, try $try"
    done
    ok "$operation: at most ${limit[$operation]} ms ($took)" test "$took" -le $((limit[$operation] + slack))
}
asks_ordinary() { asks "$hook" "$1" <<<"$ordinary"; }
asks_asking() { asks "$hook" "$1" <<<"$asking"; }
# Stdin does not end as long as $open is open.
mkfifo "$base/open"
exec {open}<>"$base/open"
asks_open() {
    printf '%s' "$ordinary" >&"$open"
    asks "$hook" "$1" <"$base/open"
}
asks_slow() {
    local writer

    (while sleep 0.1; do printf ' '; done) >&"$open" &
    writer=$!
    asks_open "$1"
    kill "$writer"
    wait "$writer" 2>/dev/null
}

# WHAT: an outage that is noticed by the clock alone.
outage_in_time() {
    local operation

    for operation in "${before_start[@]}"; do
        in_time "$operation" asks_asking "$operation"
        ok "$1: $operation: what asks for XSAVES is refused" refused "daemon-unreachable"
        in_time "$operation" asks_ordinary "$operation"
        ok "$1: $operation: an ordinary guest is accepted" accepted
    done
    in_time started asks_asking started
    ok "$1: started is not refused" accepted
}
open_in_time() {
    local operation

    for operation in "${before_start[@]}"; do
        in_time "$operation" asks_open "$operation"
        ok "$1: $operation: a stdin that stays open is refused" refused "domain 'guest' was not judged: incomplete-xml: "
    done
    in_time started asks_open started
    ok "$1: started is not" accepted
    in_time start asks_slow start
    ok "$1: nor does it help that something comes now and then" refused "incomplete-xml"
}
open_in_time "no bus"

bus_up
judge_without_daemon "no daemon" "The name org.xsavesd1 was not provided"
bad_input "no daemon"

# Stopped, the bus takes connections and says nothing.
kill -STOP "${process[dbus]}"
outage_in_time "a bus that hangs"
kill -CONT "${process[dbus]}"

masked_host
libvirt_up
daemon_up "$base/masked.facts"
for operation in "${before_start[@]}"; do
    asks "$hook" "$operation" <<<"$ordinary"
    ok "$operation: the daemon accepts" accepted
    asks "$hook" "$operation" <<<"$asking"
    ok "$operation: the daemon refuses" refused "domain 'asking' would see XSAVES: denied-erratum-default: "
done
asks "$hook" prepare <<<"$(domain granted "")"
ok "a missing grant is refused" refused "domain 'granted' misses its grant of XSAVES: granted-forced: "
asks "$hook" started <<<"$asking"
ok "started is never refused" accepted
asks "$hook" start <<<"<domain"
ok "the daemon's error on XML is passed on" refused "domain 'guest': invalid-xml: The domain XML is refused: line 2"
bad_input "daemon"

open_in_time "daemon"

# Stopped, it holds its name and answers nothing.
kill -STOP "${process[xsavesd]}"
outage_in_time "a daemon that hangs"
kill -CONT "${process[xsavesd]}"

# `started` is sent without waiting, and taken in when nobody is there any more who could be asked for.
late=({1..20})
xsaves_of_late() {
    local i

    for i in "${late[@]}"; do
        manager Explain s "late-$i" 2>/dev/null | grep -o '"runs-xsaves" s "[a-z]*"'
    done | sort | uniq -c | xargs
}
all_late_see() { [[ $(xsaves_of_late) == "${#late[@]} runs-xsaves s $1" ]]; }
late_xml() { domain_forced "late-$1"; }
asks_late() { asks "$hook" started < <(late_xml 1); }
for i in "${late[@]}"; do
    domain "late-$i" "" >"$base/late.xml"
    virsh_ create "$base/late.xml" >/dev/null
done
ok "${#late[@]} guests run without XSAVES" wait_for 20 all_late_see no
kill -STOP "${process[xsavesd]}"
for i in "${late[@]}"; do
    "$hook" guest started begin - < <(late_xml "$i" && printf '%*s' $((i == 20 ? 1000000 : 0)) "")
done
limit[started]=250
in_time started asks_late
kill -CONT "${process[xsavesd]}"
ok "a daemon that hung takes in that they were started with XSAVES" wait_for 20 all_late_see yes

asks "$bare" start <<<"$ordinary"
ok "no modules: an ordinary guest is accepted" accepted
readconfig=$(with_args -readconfig /etc/qemu.cfg)
escaped=$(with_args -device '{&quot;driver&quot;:&quot;x&quot;,&quot;x\u0073aves&quot;:true}')
override=${without_cpu/<\/domain>/<qemu:override xmlns:qemu=\'http://libvirt.org/schemas/domain/qemu/1.0\'/></domain>}
underscored=$(with_args -cpu EPYC-Rome,x_force_features=on)
for xml in "$asking" "$requiring" "$optional" "$forcing" "$underscored" "$readconfig" "$escaped" "$override"; do
    asks "$bare" start <<<"$xml"
    ok "no modules: one whose XML names XSAVES, or may hide it, is refused" refused "install xsavesd again"
done
asks "$bare" started <<<"$asking"
ok "no modules: started is never refused" accepted
asks "$bare" stopped <<<"$asking"
ok "no modules: nor is what is not judged" accepted
