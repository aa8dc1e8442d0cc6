#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The qemu hook: what it judges, what it does without a daemon, and what it makes of bad input. Whatever happens, stdout
# stays empty and a refusal is one line on stderr.

# shellcheck source=../integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

hook=$build/hooks/hook-in-tree
export DBUS_SYSTEM_BUS_ADDRESS=$bus_address

# asks PROGRAM OPERATION [SUB-OPERATION] <XML: its status, and what it said on stderr.
asks() {
    "$1" guest "$2" "${3:-begin}" - >"$base/stdout" 2>"$base/stderr"
    status=$?
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

# A bus that takes the connection and says nothing: five seconds and what a busy machine adds, not sd-bus's twenty-five.
start silent python3 -c "import socket, time
s = socket.socket(socket.AF_UNIX); s.bind('$base/silent'); s.listen(8); time.sleep(120)"
wait_for 60 test -S "$base/silent" || bail "no silent bus"
before=$SECONDS
DBUS_SYSTEM_BUS_ADDRESS=unix:path=$base/silent asks "$hook" start <<<"$asking"
ok "a silent bus is an outage" refused "daemon-unreachable"
ok "after five seconds" test $((SECONDS - before)) -ge 4 -a $((SECONDS - before)) -le 20
stop silent

bus_up
judge_without_daemon "no daemon" "The name org.xsavesd1 was not provided"
bad_input "no daemon"

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

# Stopped, it holds its name and answers nothing.
kill -STOP "${process[xsavesd]}"
before=$SECONDS
asks "$hook" start <<<"$asking"
ok "a daemon that hangs is an outage" refused "daemon-unreachable"
ok "after five seconds" test $((SECONDS - before)) -ge 4 -a $((SECONDS - before)) -le 20
asks "$hook" start <<<"$ordinary"
ok "which stops no ordinary guest" accepted
kill -CONT "${process[xsavesd]}"

bare=$build/hooks/hook-without-modules
asks "$bare" start <<<"$ordinary"
ok "no modules: an ordinary guest is accepted" accepted
for xml in "$asking" "$requiring" "$optional" "$forcing"; do
    asks "$bare" start <<<"$xml"
    ok "no modules: one whose XML names XSAVES is refused" refused "install xsavesd again"
done
asks "$bare" started <<<"$asking"
ok "no modules: started is never refused" accepted
asks "$bare" stopped <<<"$asking"
ok "no modules: nor is what is not judged" accepted
