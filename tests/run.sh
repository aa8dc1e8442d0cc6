#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs the tests; the last line says how many passed, failed and were skipped.
#
#   tests/run.sh [-b BUILD] [SUITE | CASE]…
#
# Suites: style (clang-format, shellcheck), analysis (clang-tidy, cppcheck), those that Meson knows (unit, integration and so
# on), e2e (real guests in a sandbox; needs root), coverage (of daemon/core by the unit tests), fuzz (each target for
# FUZZ_SECONDS, 60), sanitize (Meson's, but for docs, and e2e, under the address and undefined behaviour sanitizers), threads
# (unit, integration and e2e, under the thread sanitizer), valgrind (the same), lab (the Debian packages on emulated hosts;
# needs root). Without an argument, all of them.
# CASE is a script in tests/e2e, without its ".sh". Missing packages (tests/packages.txt) are installed where this runs as
# root. BUILD is kept and used again; else the build is in a temporary folder.
#
# XSAVESD_CORPUS names a folder with real domain XML and CPUID dumps; ../shared/corpus where there is one. With CI=true a
# skipped test counts as a failed one, unless its reason names something that this machine really lacks: /dev/kvm,
# XSAVESD_CORPUS, root, or PROGRAM in "this machine has no PROGRAM".

set -u

root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=sandbox/packages.sh
. "$root/tests/sandbox/packages.sh"
# shellcheck source=sandbox/sandbox.sh
. "$root/tests/sandbox/sandbox.sh"

own_suites=(style analysis e2e coverage fuzz sanitize threads valgrind lab)

usage() {
    sed -n 's/^#   tests/usage: tests/p' "$0" >&2
    printf "suites: %s, Meson's\ncases: %s\n" "${own_suites[*]}" "$(all_cases | tr '\n' ' ')" >&2
    exit 2
}

all_cases() {
    local file

    for file in "$root"/tests/e2e/*.sh; do
        [[ ! -x $file ]] || basename "$file" .sh
    done
}

is_one_of() {
    local word=$1 other

    shift
    for other; do
        [[ $word != "$other" ]] || return 0
    done
    return 1
}

kept_build=
declare -A chosen=()
cases=()
while (($# > 0)); do
    case $1 in
        -b)
            (($# > 1)) || usage
            kept_build=$(realpath -m "$2")
            shift
            ;;
        -*) usage ;;
        *)
            if [[ -x $root/tests/e2e/$1.sh ]]; then
                cases+=("$1")
            elif is_one_of "$1" "${own_suites[@]}" || grep -qrw --include=meson.build -e "suite: .*'$1'" "$root"; then
                chosen[$1]=yes
            else
                usage
            fi
            ;;
    esac
    shift
done
all=
((${#chosen[@]} + ${#cases[@]} > 0)) || all=yes
is_chosen() { [[ -n $all || -n ${chosen[$1]:-} ]]; }

if is_chosen e2e; then
    mapfile -t cases < <(all_cases)
fi

if [[ -z ${XSAVESD_CORPUS:-} && -d $root/../shared/corpus ]]; then
    XSAVESD_CORPUS=$(cd "$root/../shared/corpus" && pwd)
fi
if [[ -n ${XSAVESD_CORPUS:-} ]]; then
    export XSAVESD_CORPUS
else
    unset XSAVESD_CORPUS
fi

# What a test may be skipped for even in CI, as its reason names it.
lacks=()
[[ -n ${XSAVESD_CORPUS:-} ]] || lacks+=(XSAVESD_CORPUS)
[[ -e /dev/kvm ]] || lacks+=(KVM /dev/kvm)
((EUID == 0)) || lacks+=(root)

work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-tests.XXXXXX") || exit 1
running=
clean_up() {
    [[ -z $running ]] || { kill "$running"; wait "$running"; } 2>/dev/null
    sandbox_down_all
    rm -rf "$work"
}
trap clean_up EXIT
build=${kept_build:-$work/build}
results=$work/results
: >"$results"

# Reads what ran and writes one line for each result, "pass NAME", "fail NAME" or "skip NAME (REASON)"; a test that speaks
# TAP has one for each of its points. "meson FILE": Meson's log, which is one JSON object a line. "tap NAME STATUS FILE":
# what one script said and its exit status. What failed is shown.
collect() {
    LACKS=${lacks[*]} python3 - "$@" >>"$results" <<'END'
import json, os, re, shutil, sys

def show(text):
    for line in (text or "").rstrip("\n").split("\n"):
        print("    " + line, file=sys.stderr)

def skip(name, reason):
    lacking = any(re.search(rf"(?<!\w){re.escape(part)}(?!\w)", reason) for part in os.environ["LACKS"].split())
    program = re.match(r"this machine has no (\S+)$", reason)
    if program and not shutil.which(program[1]):
        lacking = True
    if os.environ.get("CI") == "true" and not lacking:
        print(f"fail {name}: skipped ({reason})")
    else:
        print(f"skip {name} ({reason})")

def count(name, failed, skipped, out, err, shown):
    points = re.findall(r"^(not ok|ok)\b *\d*(?: +-)? *(.*)$", out, re.M)
    bad = False
    for verdict, text in points:
        skipped_for = re.search(r"# *skip\S* *(.*)$", text, re.I)
        what = f"{name}: {text}"
        if skipped_for:
            skip(name, skipped_for[1])
        elif verdict == "ok" or re.search(r"# *todo", text, re.I):
            print("pass", what)
        else:
            bad = True
            print("fail", what)
    whole = re.search(r"^1\.\.0 *# *skip\S* *(.*)$", out, re.M | re.I)
    if whole or (skipped and not points):
        reason = whole[1] if whole else (out + err).strip().split("\n")[-1]
        skip(name, reason)
    elif failed and not bad:
        bad = True
        print(f"fail {name}: ended before it was done")
    elif not points:
        print("pass", name)
    if bad and not shown:
        print(f"  {name} failed:", file=sys.stderr)
        show(out)
        show(err)

if sys.argv[1] == "meson":
    for line in open(sys.argv[2]):
        test = json.loads(line)
        good = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
        count(test["name"].split(" / ")[-1], not good, test["result"] == "SKIP", test.get("stdout") or "", test.get("stderr") or "", False)
else:
    name, status = sys.argv[2], int(sys.argv[3])
    out = open(sys.argv[4], errors="replace").read()
    count(name, status not in (0, 77), status == 77, out, "", True)
END
}

# pass|fail|skip NAME
result() { printf '%s\n' "$*" >>"$results"; }

number_of() { grep -c "^$1 " "$results"; }

summary() {
    local skipped

    skipped=$(number_of skip)
    printf '%d passed, %d failed%s\n' "$(number_of pass)" "$(number_of fail)" "$( ((skipped == 0)) || echo ", $skipped skipped")"
}

# Runs a suite and says how it went.
suite() {
    local name=$1 total=$results began=$SECONDS

    shift
    printf '== %s\n' "$name"
    results=$work/results.$name
    : >"$results"
    "$@"
    grep -E '^(fail|skip) ' "$results" | sed 's/^/  /'
    printf '%s: %s (%d s)\n\n' "$name" "$(summary)" "$((SECONDS - began))"
    cat "$results" >>"$total"
    results=$total
}

run_logged() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log"; return 1; }; }

# BUILD [OPTION…]
setup_build() {
    local folder=$1 again=()

    shift
    [[ ! -e $folder/meson-private ]] || again=(--reconfigure)
    run_logged meson setup "${again[@]}" --prefix=/usr --sysconfdir=/etc --libexecdir=libexec -Dwerror=true "$@" \
        "$folder" "$root"
}

# BUILD [OPTION…]
make_build() { setup_build "$@" && run_logged meson compile -C "$1"; }

build_once() {
    if make_build "$build"; then
        result pass "builds without a warning"
        built=yes
    else
        result fail "does not build"
        built=
    fi
}

# A libvirtd that root starts sees to the machine's networks and domains, wherever its socket is: keep it in a sandbox.
apart() {
    if ((EUID == 0)); then
        sandbox_in tests "$@"
    else
        "$@"
    fi
}

# BUILD NAME SUITE… -- [OPTION…]
run_meson() {
    local folder=$1 base=testlog-$2 args=() logs

    shift 2
    while [[ $1 != -- ]]; do
        args+=(--suite "$1")
        shift
    done
    shift
    # With a wrapper, Meson adds its name to the log's.
    rm -f "$folder/meson-logs/$base"*.json
    # One at a time: the QEMU drivers of two libvirtds claim the same file in /run, virPidFileAcquire() in
    # qemuStateInitialize().
    [[ ${args[*]} != *integration* ]] || set -- --num-processes 1 "$@"
    apart meson test -C "$folder" --no-rebuild --logbase "$base" "${args[@]}" "$@" >"$work/log" 2>&1
    logs=("$folder/meson-logs/$base"*.json)
    if [[ ! -s ${logs[0]} ]]; then
        grep -q 'No suitable tests' "$work/log" || { cat "$work/log"; result fail "meson test"; }
        return
    fi
    collect meson "${logs[0]}"
}

check_style() {
    local files

    cd "$root" || return
    mapfile -t files < <(git -c safe.directory="$root" ls-files '*.[ch]')
    if ((${#files[@]} == 0)); then
        :
    elif clang-format --dry-run -Werror "${files[@]}" >"$work/log" 2>&1; then
        result pass clang-format
    else
        grep -oE '^[^ :]+:[0-9]+:[0-9]+: error' "$work/log" | cut -d: -f1 | sort | uniq -c
        result fail clang-format
    fi
    mapfile -t files < <(git -c safe.directory="$root" ls-files '*.sh' .ci/run)
    if shellcheck -x -P SCRIPTDIR "${files[@]}"; then
        result pass shellcheck
    else
        result fail shellcheck
    fi
}

# .clang-tidy and tests/cppcheck.* say what is looked for, and why not for more.
check_analysis() {
    local files

    cd "$root" || return
    mapfile -t files < <(git -c safe.directory="$root" ls-files '*.c')
    # The build is for GCC, whose options Clang does not all know.
    if printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet \
        --extra-arg=-Wno-unknown-warning-option >"$work/log" 2>&1; then
        result pass clang-tidy
    else
        grep -vE '^[0-9]+ warnings? (generated|treated as errors?)' "$work/log"
        result fail clang-tidy
    fi
    if cppcheck --quiet -j "$(nproc)" --enable=warning,performance,portability --std=c11 --library=posix \
        --library="$root/tests/cppcheck.cfg" --suppressions-list="$root/tests/cppcheck.supp" --relative-paths="$root" \
        --error-exitcode=1 --project="$build/compile_commands.json"; then
        result pass cppcheck
    else
        result fail cppcheck
    fi
}

# NAME LIMIT COMMAND…: runs what speaks TAP, for so many seconds at most. It is in the background, so that this script can
# end it at once when it is itself interrupted.
run_tap() {
    local name=$1 limit=$2 status shown

    shift 2
    mkfifo "$work/said"
    tee "$work/tap" <"$work/said" | grep --line-buffered -v '^1\.\.' &
    shown=$!
    timeout --foreground -k 30 "$limit" "$@" </dev/null >"$work/said" 2>&1 &
    running=$!
    wait "$running"
    status=$?
    running=
    wait "$shown"
    rm -f "$work/said"
    collect tap "$name" "$status" "$work/tap"
}

# BUILD CASE…
run_cases() {
    local folder=$1 name

    shift
    for name; do
        if ((EUID != 0)); then
            result skip "$name (needs root)"
        else
            printf -- '-- %s\n' "$name"
            XSAVESD_BUILD=$folder run_tap "$name" 600 "$root/tests/e2e/$name.sh"
        fi
    done
}

# BUILD
meson_suites() {
    meson introspect --tests "$1" | python3 -c '
import json, sys
names = {suite.split(":")[-1] for test in json.load(sys.stdin) for suite in test["suite"]}
print("\n".join(sorted(names, key=lambda name: (name != "unit", name))))'
}

# Each end-to-end case fails where the sanitizers have something to say of the daemon (e2e_end in tests/e2e/lib.sh).
run_sanitized() {
    local names
    local -x XSAVESD_TEST_SLOWDOWN=20 ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

    if ! make_build "$work/sanitized" -Db_sanitize=address,undefined -Db_lundef=false; then
        result fail "does not build with sanitizers"
        return
    fi
    mapfile -t names < <(meson_suites "$work/sanitized" | grep -vx docs)
    run_meson "$work/sanitized" sanitize "${names[@]}" --
    mapfile -t names < <(all_cases)
    run_cases "$work/sanitized" "${names[@]}"
}

# What libvirt and the libraries under it do among themselves is theirs: they are not built with it.
run_threads() {
    local names
    local -x XSAVESD_TEST_SLOWDOWN=20 TSAN_OPTIONS="halt_on_error=0 suppressions=$root/tests/threads.supp"

    if ! make_build "$work/threads" -Db_sanitize=thread -Db_lundef=false -Dman=disabled; then
        result fail "does not build with the thread sanitizer"
        return
    fi
    run_meson "$work/threads" threads unit integration --
    mapfile -t names < <(all_cases)
    run_cases "$work/threads" "${names[@]}"
}

run_valgrind() {
    local names

    XSAVESD_TEST_SLOWDOWN=100 run_meson "$build" valgrind unit integration -- --timeout-multiplier 10 \
        --wrapper "$root/tests/valgrind.sh"
    mapfile -t names < <(all_cases)
    XSAVESD_TEST_SLOWDOWN=20 XSAVESD_TEST_VALGRIND=yes run_cases "$build" "${names[@]}"
}

run_coverage() {
    local folder=$work/coverage

    if ! make_build "$folder" -Db_coverage=true -Dman=disabled; then
        result fail "does not build for coverage"
        return
    fi
    run_meson "$folder" coverage unit --
    # What no test can reach is marked as such, and why, where it is. Not to /dev/null: gcovr removes what is there before.
    if gcovr -r "$root" --filter "$root/daemon/core/" --exclude-unreachable-branches -s \
        --fail-under-line 100 --fail-under-branch 90 -o "$work/lines" "$folder"; then
        result pass "the unit tests reach every line of the core and 90 % of its branches"
    else
        cat "$work/lines"
        result fail "the unit tests reach every line of the core and 90 % of its branches"
    fi
}

run_fuzz() {
    local folder=${kept_build:-$work}/fuzz names name

    run_logged "$root/tests/fuzz/seeds.sh" "$folder/seeds" || { result fail "no seeds"; return; }
    mapfile -t names < <(ls "$folder/seeds")
    if ! CC=clang setup_build "$folder" -Dfuzz=true -Dman=disabled -Dwerror=false ||
        ! run_logged ninja -C "$folder" "${names[@]/#/tests/fuzz/fuzz-}"; then
        result fail "does not build for fuzzing"
        return
    fi
    printf '%s\0' "${names[@]}" | xargs -0 -P "$(nproc)" -n 1 "$root/tests/fuzz/target.sh" "$folder"
    for name in "${names[@]}"; do
        if grep $'^#[0-9]*\tDONE' "$folder/$name/log"; then
            result pass "fuzz $name"
        else
            tail -n 40 "$folder/$name/log"
            cat "$folder/$name"/broken-* | base64
            result fail "fuzz $name"
        fi
    done
}

# It keeps what it builds in a cache of its own, which -b does not change.
run_lab() { run_tap lab 3600 "$root/tests/lab/lab.sh" run; }

packages_install build run check || exit 1
((EUID != 0)) || sandbox_up tests || exit 1

built=
if [[ -n $all ]] || ((${#cases[@]} > 0)) || printf '%s\n' "${!chosen[@]}" | grep -qvxE 'style|lab'; then
    suite build build_once
fi
! is_chosen style || suite style check_style
if [[ -n $built ]]; then
    ! is_chosen analysis || suite analysis check_analysis
    mapfile -t names < <(meson_suites "$build")
    for name in "${names[@]}"; do
        ! is_chosen "$name" || suite "$name" run_meson "$build" "$name" "$name" --
    done
    ((${#cases[@]} == 0)) || suite e2e run_cases "$build" "${cases[@]}"
    ! is_chosen coverage || suite coverage run_coverage
    ! is_chosen fuzz || suite fuzz run_fuzz
    ! is_chosen sanitize || suite sanitize run_sanitized
    ! is_chosen threads || suite threads run_threads
    ! is_chosen valgrind || suite valgrind run_valgrind
fi
! is_chosen lab || suite lab run_lab

summary
(($(number_of fail) == 0))
