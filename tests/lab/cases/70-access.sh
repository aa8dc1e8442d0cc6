# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# machines: zen2-bookworm zen2-trixie
# needs: package
#
# Who may do what: root all, group libvirt the reads, a stranger nothing.

guest_define any "$passthrough"
xml=$(cat /run/any.xml)
method() { # USER METHOD [SIGNATURE ARGUMENT...]
    local user=$1
    shift
    # shellcheck disable=SC2086
    runuser -u "$user" -- busctl --timeout=20 call $manager "$@" 2>&1
}

# may USER WHAT METHOD...; may_not USER WHAT METHOD...
may() {
    local user=$1 what=$2
    shift 2
    expect "$user may $what" method "$user" "$@"
}
may_not() {
    local user=$1 what=$2 out
    shift 2
    if out=$(method "$user" "$@"); then
        fail "$user may $what: $out"
    else
        expect_match "$user may not $what" "$out" "[Aa]ccess denied|[Aa]uthenti|not authorized|AccessDenied|[Nn]ot allowed|rejected"
    fi
}
may_read() {
    local user=$1
    may "$user" explain Explain s any
    may "$user" list ListGuests
    may "$user" rewrite Rewrite s "$xml"
    expect "$user may read properties" runuser -u "$user" -- busctl get-property org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager PolicyGeneration
}

may_read root
may root gate Gate sss prepare begin "$xml"
may root reload Reload
may root converge Converge bas true 0

may_read virtuser
may_not virtuser gate Gate sss prepare begin "$xml"
may_not virtuser reload Reload
may_not virtuser converge Converge bas false 0
may_not virtuser revert Revert as 1 any

# It is polkit that is asked, and a rule of the administrator's that it goes by.
cat >/etc/polkit-1/rules.d/50-lab.rules <<'END'
polkit.addRule(function(action, subject) {
    if (action.id == "org.xsavesd1.manage" && subject.user == "virtuser")
        return polkit.Result.YES;
});
END
expect "with polkit's consent virtuser may reload" eventually method virtuser Reload
rm -f /etc/polkit-1/rules.d/50-lab.rules
reload_is_denied() { ! method virtuser Reload; }
expect "and without it again may not" eventually reload_is_denied

may_not stranger explain Explain s any
may_not stranger list ListGuests
may_not stranger rewrite Rewrite s "$xml"
may_not stranger gate Gate sss prepare begin "$xml"
may_not stranger reload Reload
may_not stranger converge Converge bas false 0
may_not stranger revert Revert as 1 any
expect_fail "stranger may not read properties" runuser -u stranger -- busctl get-property org.xsavesd1 /org/xsavesd1 org.xsavesd1.Manager PolicyGeneration

# A crowd of strangers does not keep the daemon from its work. What is too long depends on the machine.
gate() { method root Gate sss prepare begin "$xml"; }
milliseconds() {
    local from=${EPOCHREALTIME/./}
    "$@" >/dev/null 2>&1 || echo "failed: "
    echo $(((${EPOCHREALTIME/./} - from) / 1000))
}
alone=$(milliseconds gate)
pid=$(daemon_pid)
crowd=()
for _ in 1 2 3 4; do
    (for _ in {1..15}; do method stranger Converge bas false 0; done) >/dev/null 2>&1 &
    crowd+=($!)
done
sleep 1
took=$(milliseconds gate)
evidence "alone $alone ms, in the crowd $took ms"
expect "in a crowd of strangers root is answered" test "$took" -lt $((alone * 10 + 5000))
wait "${crowd[@]}"
expect_equal "and the daemon is the same" "$(daemon_pid)" "$pid"
guest_gone any
