#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xsavesctl without a daemon: policies, facts and domain XML from files.

# shellcheck source=../tap.sh
. "$(dirname "$0")/../tap.sh"
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d /tmp/xsavesctl-offline.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/empty"
cd "$data" || exit 1
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$work/none LC_ALL=C.UTF-8

# --- usage ---
prints help "help" --help
prints usage "no command is bad usage"
for verb in status host list explain diff check rewrite revert converge simulate monitor metrics reload; do
    exits 0 "$verb --help" "$verb" --help
    same "it fits into 80 columns" "" "$("$xsavesctl" "$verb" --help | awk 'length > 80')"
    ok "it has the command and what to read" test "$("$xsavesctl" "$verb" --help | grep -cE "^Usage: xsavesctl $verb |^See xsavesctl\(1\)\.$")" = 2
    exits 2 "$verb, with an option that there is not" "$verb" --fly
    ok "is told so, and where help is" says "bad option --fly"$'\n'"xsavesctl: see xsavesctl --help"
done
same "--help fits into 80 columns" "" "$("$xsavesctl" --help | awk 'length > 80')"
exits 2 "an unknown command" fly
exits 2 "an unknown option" host --fly
exits 2 "an option of another command" reload --dry-run
exits 2 "an argument too many" reload now
exits 2 "an argument too few" explain
prints usage-option "an option of another verb names its help" explain --facts plain
prints usage-value "an option without its value" check --policy
prints usage-flag "a value for an option that takes none" list --json=yes
prints usage-short "a short option" list -l
exits 2 "two hosts for one" host --host zen2.facts --host zen3.facts
exits 2 "a policy for a guest of the daemon" explain --policy good plain
exits 2 "revert of nothing" revert
exits 2 "revert of all and of one" revert --all plain
for verb in status list "explain plain" diff converge "revert --all" reload "rewrite plain.xml" monitor; do
    # shellcheck disable=SC2086
    exits 3 "no daemon: $verb" $verb
    # shellcheck disable=SC2016 # as it is printed
    ok "it says how to start it" says 'start it with `systemctl start xsavesd`'
done
prints metrics-down "metrics tell that there is no daemon" metrics

# --- check ---
prints check-good "a good policy" check good
prints check-bad "a bad one, with each mistake" check bad
prints check-warned "one with warnings" check warned
prints check-several "several" check good bad warned/policy.ini
prints check-json "the same as JSON" check --json good bad warned
exits 0 "by option" check --policy good
exits 0 "an empty folder is the built-in policy" check "$work/empty"
ok "with a warning" grep -q 'empty: warning: no policy.ini' <<<"$said"
exits 0 "also to try" rewrite --policy "$work/empty" --host zen2.facts plain.xml
ok "which is said" says 'empty: warning: no policy.ini'
exits 4 "no such folder" check "$work/none"
exits 0 "no legend" check --no-legend good
ok "says nothing" test -z "$said"
ln -s nowhere "$work/empty/policy.ini"
exits 1 "a link that leads nowhere" check "$work/empty"
mkdir "$work/swapped"
cp good/policy.ini "$work/swapped"
ln -s nowhere "$work/swapped/policy.d"
exits 1 "the same for policy.d" check "$work/swapped"
ok "which is named" grep -q 'swapped/policy.d: cannot be read: No such file' <<<"$said"
rm "$work/swapped/policy.d" && mkdir "$work/swapped/policy.d"
: >"$work/swapped/policy.d/"$'\xff.ini'
exits 1 "a file whose name is not UTF-8" check "$work/swapped"
ok "is to be renamed" says 'swapped/policy.d/?.ini: the file'"'s name is not UTF-8; rename it"
cp -r good "$work/"$'good\xff'
cp plain.xml "$work/"$'\xff.xml'
exits 0 "a folder with such a name" check --json "$work/"$'good\xff'
exits 0 "a definition with such a name" simulate --json --policy good --host zen2.facts "$work/"$'\xff.xml'
exits 4 "one that cannot be read" check "$work/none" bad
ok "keeps nobody from hearing of the others" says 'bad/policy.ini:2: unknown key'
rm "$work/empty/policy.ini"

# --- host ---
prints host-zen2 "a host with the erratum" host --host zen2.facts
prints host-zen3 "a host without" host --host zen3.facts
prints host-json "as JSON" host --host zen2.facts --json
same "as facts it is the file" "$(<zen2.facts)" "$("$xsavesctl" host --host zen2.facts --facts)"
same "from standard input as well" "$(<zen2.facts)" "$("$xsavesctl" host --host - --facts <zen2.facts)"
prints host-bad "bad facts" host --host bad.facts
exits 4 "no facts file" host --host "$work/none"
exits 4 "a folder" host --host "$work/empty"
exits 0 "this host" host
"$xsavesctl" host --facts >"$work/here.facts"
same "its facts can be read again" "$(<"$work/here.facts")" "$("$xsavesctl" host --host "$work/here.facts" --facts)"

# --- rewrite, revert ---
here_on_rome=(--policy good --host zen2.facts)
prints rewrite-forced "a grant that is forced" rewrite --offline "${here_on_rome[@]}" win2016-a.xml
prints rewrite-denied "a denial" rewrite --offline "${here_on_rome[@]}" asking.xml
prints rewrite-hidden "XSAVEC hidden" rewrite --offline "${here_on_rome[@]}" win2016-b.xml
sed "s|</domain>|<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-cpu'/><q:arg value='host,+xsaves,x-force-features=on'/></q:commandline>&|" \
    plain.xml >"$work/arguments.xml"
exits 0 "a denial that does not help" rewrite --offline "${here_on_rome[@]}" "$work/arguments.xml"
ok "is warned of" says 'warning: the guest would still see XSAVES: its own QEMU arguments'
sed 's/,x-force-features=on//' "$work/arguments.xml" >"$work/filtered.xml"
exits 0 "arguments that QEMU filters" rewrite --offline "${here_on_rome[@]}" "$work/filtered.xml"
ok "are not warned of" test "${said/warning/}" = "$said"
mkdir "$work/hide" && printf '[guest h]\nname = *\nxsaves = deny\nhide-xsavec = yes\n' >"$work/hide/policy.ini"
exits 0 "a hidden XSAVEC that stays" rewrite --policy "$work/hide" --host zen2.facts "$work/filtered.xml"
ok "is warned of" says 'warning: the guest would still see XSAVEC: its own QEMU arguments'
# Required without being forced, what KVM hides is not seen: the grant is a gain.
mkdir "$work/keep" && printf '[policy]\ndefault = keep\n' >"$work/keep/policy.ini"
sed "s|<cpu.*/>|<cpu mode='host-passthrough'><feature policy='force' name='xsaves'/></cpu>|" win2016-a.xml >"$work/required.xml"
said=$("$xsavesctl" simulate --policy good --baseline "$work/keep" --host zen2.facts "$work/required.xml")
ok "simulate: a gain" says "1 would gain XSAVES, 0 would lose it"
printf '[guest q]\nname = gr?n\nxsaves = keep\n[guest r]\nname = gr*n\nxsaves = deny\n' >"$work/letters.ini"
mkdir "$work/letters" && mv "$work/letters.ini" "$work/letters/policy.ini"
sed 's|<name>.*</name>|<name>grün</name>|' plain.xml >"$work/letters.xml"
for locale in C C.UTF-8; do
    LC_ALL=$locale exits 0 "globs in locale $locale" rewrite --policy "$work/letters" --host zen2.facts "$work/letters.xml"
    ok "are those of the daemon, which has none" says denied-by-guest-rule
done
sed '/<cpu/d' plain.xml >"$work/no-cpu.xml"
printf '[host h]\nhostname = *\nxsaves = allow\n[guest g]\nname = *\nxsaves = allow\n' >"$work/empty/policy.ini.new"
mv "$work/empty/policy.ini.new" "$work/empty/policy.ini"
exits 0 "a grant that does not help" explain --policy "$work/empty" --host zen3.facts "$work/no-cpu.xml"
ok "is warned of" says 'warning: the guest would not see XSAVES: its definition has no CPU mode'
sed -e 's/^hypervisor-xsaves.*/hypervisor-xsaves = unknown/' -e 's/^kernel-xsaves.*/kernel-xsaves = yes/' zen2.facts >"$work/unknown.facts"
"$xsavesctl" rewrite --policy good --host "$work/unknown.facts" plain.xml >"$work/taken.xml" 2>&1
ok "a denial where KVM was not asked takes XSAVES away" grep -q '<feature name="xsaves" policy="disable"/>' "$work/taken.xml"
sed -i 's/^kernel-xsaves.*/kernel-xsaves = no/' "$work/unknown.facts"
"$xsavesctl" rewrite --policy good --host "$work/unknown.facts" plain.xml >"$work/left.xml" 2>"$work/said"
same "one where the kernel has none changes nothing" "$(<plain.xml)" "$(<"$work/left.xml")"
prints rewrite-json "as JSON" rewrite --offline --json "${here_on_rome[@]}" asking.xml
for guest in win2016-a win2016-b linux-a plain asking; do
    "$xsavesctl" rewrite --offline "${here_on_rome[@]}" <"$guest.xml" >"$work/rewritten" 2>/dev/null
    "$xsavesctl" rewrite --offline "${here_on_rome[@]}" - <"$work/rewritten" >"$work/again" 2>/dev/null
    ok "$guest: rewriting again changes nothing" cmp "$work/rewritten" "$work/again"
    "$xsavesctl" revert - <"$work/rewritten" | xmllint --c14n - >"$work/reverted"
    ok "$guest: reverted it is what it was" cmp "$work/reverted" <(xmllint --c14n "$guest.xml")
done

# --- explain ---
prints explain-forced "a grant, explained" explain "${here_on_rome[@]}" win2016-a.xml
prints explain-denied "a denial, explained" explain "${here_on_rome[@]}" asking.xml
COLUMNS=60 prints explain-narrow "in 60 columns" explain "${here_on_rome[@]}" asking.xml
prints explain-json "as JSON" explain --json "${here_on_rome[@]}" plain.xml
"$xsavesctl" rewrite --offline "${here_on_rome[@]}" win2016-a.xml >"$work/win.xml" 2>/dev/null
same "what was rewritten is explained as what it was" "$("$xsavesctl" explain "${here_on_rome[@]}" win2016-a.xml)" \
    "$("$xsavesctl" explain "${here_on_rome[@]}" "$work/win.xml")"

# --- simulate ---
both=(--host zen2.facts --host zen3.facts)
domains=(win2016-a.xml win2016-b.xml linux-a.xml plain.xml asking.xml)
prints simulate "guests on hosts" simulate --policy good "${both[@]}" "${domains[@]}"
prints simulate-baseline "against another policy" simulate --policy other --baseline good "${both[@]}" "${domains[@]}"
prints simulate-json "as JSON" simulate --json --policy other --baseline good --host zen2.facts plain.xml win2016-a.xml
exits 0 "against itself" simulate --policy good --baseline good "${both[@]}" "${domains[@]}"
exits 4 "a baseline that is bad" simulate --policy good --baseline bad --host zen2.facts plain.xml
COLUMNS=40 prints simulate-narrow "in 40 columns" simulate --policy good "${both[@]}" "${domains[@]}"

# --- bad input ---
printf '<domain' >"$work/cut.xml"
printf '<!DOCTYPE a [<!ENTITY x "y">]>\n<domain/>' >"$work/doctype.xml"
head -c 9000000 /dev/zero >"$work/huge.xml"
printf 'a\0b' >"$work/nul.xml"
: >"$work/empty.xml"
for file in cut doctype huge nul empty none; do
    exits 4 "$file.xml: rewrite" rewrite --offline "${here_on_rome[@]}" "$work/$file.xml"
    ok "it is named" says "$work/$file.xml"
    exits 4 "$file.xml: revert" revert "$work/$file.xml"
    ok "it is named" says "$work/$file.xml"
    exits 4 "$file.xml: explain" explain "${here_on_rome[@]}" "$work/$file.xml"
    ok "it is named" says "$work/$file.xml"
    exits 4 "$file.xml: simulate" simulate "${here_on_rome[@]}" plain.xml "$work/$file.xml"
    ok "it is named" says "$work/$file.xml"
done
# The line, where there is one.
printf '<domain>\n<name>a</name>\n<cpu>\n' >"$work/open.xml"
for verb in "rewrite --offline" explain simulate; do
    # shellcheck disable=SC2086
    exits 4 "XML that is cut: $verb" $verb "${here_on_rome[@]}" "$work/open.xml"
    ok "its line is told" says "$work/open.xml:4: "
done
# A domain, but none that can be judged: that is an answer, where nothing is to be changed.
prints explain-unjudged "a domain that cannot be judged, explained" explain "${here_on_rome[@]}" two-cpus.xml
prints explain-unjudged-json "as JSON" explain --json "${here_on_rome[@]}" two-cpus.xml
prints simulate-unjudged "simulate has it among others" simulate --policy good "${both[@]}" plain.xml two-cpus.xml
prints simulate-unjudged-json "as JSON" simulate --json "${here_on_rome[@]}" two-cpus.xml
exits 4 "to be rewritten, it is bad input" rewrite --offline "${here_on_rome[@]}" two-cpus.xml
for verb in explain "rewrite --offline" simulate; do
    # shellcheck disable=SC2086
    exits 4 "a bad policy: $verb" $verb --policy bad --host zen2.facts plain.xml
    ok "its mistakes are told by file and line" says "bad/policy.ini:2: "
    # shellcheck disable=SC2086
    exits 4 "bad facts: $verb" $verb --policy good --host bad.facts plain.xml
    ok "their mistakes are told by file and line" says "bad.facts:3: "
done
exits 4 "a bad policy: rewrite" rewrite --offline --policy bad --host zen2.facts plain.xml
ok "its mistakes are told by file and line" says "bad/policy.ini:2: "
exits 4 "bad facts: rewrite" rewrite --offline --policy good --host bad.facts plain.xml
ok "their mistakes as well" says "bad.facts:3: "
exits 4 "no such policy" rewrite --offline --policy "$work/none" --host zen2.facts plain.xml
exits 4 "endless input is not read to its end" rewrite --offline "${here_on_rome[@]}" </dev/zero
exits 4 "a closed standard input" rewrite --offline "${here_on_rome[@]}" <&-

# --- output ---
"$xsavesctl" host --host zen2.facts >/dev/full 2>"$work/error"
same "an output that is full is an error" 1 $?
ok "with a message" grep -q "^xsavesctl: cannot write to standard output: No space left" "$work/error"
"$xsavesctl" host --host zen2.facts >&- 2>"$work/error"
same "so is one that is closed" 1 $?
# script makes a terminal.
on_terminal() { script -qec "$1" /dev/null </dev/null; }
export TERM=xterm
same "colour on a terminal" 1 "$(on_terminal "$xsavesctl host --host zen2.facts" | grep -c $'\033\[33m')"
same "not with NO_COLOR" 0 "$(NO_COLOR=1 on_terminal "$xsavesctl host --host zen2.facts" | grep -c $'\033')"
printf "<domain type='kvm'><name>evil\xc2\x9b31m</name><os><type arch='x86_64'>hvm</type></os></domain>" >"$work/evil.xml"
same "control characters do not reach the terminal" 0 \
    "$("$xsavesctl" explain "${here_on_rome[@]}" "$work/evil.xml" | LC_ALL=C grep -c $'\xc2\x9b')"

tap_end
