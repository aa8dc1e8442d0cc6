#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The bench: boots an emulated Zen 2 host whose kernel masks XSAVES (systemd as
# PID 1, kvm_amd, libvirtd, all under TCG), installs the Debian package on it as
# a user would, and runs cases/*.sh inside. What the innermost guests say of
# their own CPUID is the evidence.
#
#   lab.sh run [--machine NAME]... [--case GLOB]... [--deb SUITE=FILE]... [--bare] [--steady] [--keep DIR]
#   lab.sh package SUITE DIR    build the package in a chroot of that suite, with lintian
#   lab.sh base                 only build the root file systems
#   lab.sh machines             the emulated hosts
#   lab.sh tools                the Debian packages that the bench itself needs
#   lab.sh clean                drop the cache
#
# run builds the package of each suite that it needs from this work tree, unless
# --deb names one; with --bare only the cases that need no package run. With
# --steady the machines' time follows what they execute, so that nothing times
# out on a busy machine; all takes twice as long. --keep DIR leaves the consoles
# and reports there. Root file systems, build chroots and packages are cached
# under ${XSAVESD_LAB_CACHE:-/var/cache/xsavesd-lab}, by the
# hash of what goes in. Needs root; Debian packages that the bench itself needs
# (lab.sh tools) and that are missing are installed.
# The report is TAP; the last line says how many passed and failed. Exit status:
# 0 all passed, 1 not, 2 usage or the bench itself, 77 this machine cannot run it.

set -euo pipefail
shopt -s nullglob

here=$(dirname "$(readlink -f "$0")")
top=$(dirname "$(dirname "$here")")
# shellcheck source=../sandbox/packages.sh
. "$top/tests/sandbox/packages.sh"
cache=${XSAVESD_LAB_CACHE:-/var/cache/xsavesd-lab}
boot_limit=${XSAVESD_LAB_BOOT_LIMIT:-2400}

tools=(mmdebstrap debian-archive-keyring e2fsprogs qemu-system-x86 binutils
    dpkg-dev git util-linux)

# The userland, per suite. The kernel is always bookworm's: it masks XSAVES on
# Zen 2, and trixie's own does not run under the TCG of QEMU 7.2.
common=(systemd systemd-sysv dbus udev kmod polkitd procps iproute2 apt jq
    libvirt-daemon-system libvirt-clients qemu-system-x86
    libxml2 libxml2-utils libinih1 libjansson4)
declare -A userland=(
    [bookworm]="${common[*]} libvirt-daemon linux-image-cloud-amd64"
    [trixie]="${common[*]} libvirt-daemon apparmor"
)

# The hosts: suite; CPU; further kernel arguments. zen2 has the erratum, and its
# kernel hides XSAVES. zen3 has not; that its kernel does not use XSAVES is
# asked for, because TCG does not know the instruction.
zen2=vendor=AuthenticAMD,family=23,model=49,stepping=0
zen3=vendor=AuthenticAMD,family=25,model=1,stepping=1
svm=svm=on,npt=on,xsaves=on,x-force-features=on,la57=off
declare -A machines=(
    [zen2-bookworm]="bookworm;max,$zen2,$svm;"
    [zen2-trixie]="trixie;max,$zen2,$svm;apparmor=1 security=apparmor"
    [zen3-bookworm]="bookworm;max,$zen3,$svm;noxsaves"
)
order=(zen2-bookworm zen2-trixie zen3-bookworm)

die() {
    printf 'lab: %s\n' "$*" >&2
    exit 2
}

# The machine lacks something that the bench cannot do without.
skip() {
    printf '1..0 # SKIP %s\n' "$*"
    exit 77
}

# Whatever of the Debian packages in `tools` is missing.
install_tools() {
    local tool status missing=()
    for tool in "${tools[@]}"; do
        # shellcheck disable=SC2016
        status=$(dpkg-query -W -f '${db:Status-Status}' "$tool" 2>/dev/null || true)
        [[ $status == installed ]] || missing+=("$tool")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    printf 'lab: installing %s\n' "${missing[*]}" >&2
    packages_get "${missing[@]}" || die "cannot install ${missing[*]}"
}

usage() {
    sed -n '/^#   lab/s/^# *//p' "$0" >&2
    exit 2
}

# The machine's own mirror of a suite of its release: main or main-security.
mirror_of() {
    local release
    # shellcheck disable=SC1091
    release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v want="$release${1:+-$1}" '$1 == want && $2 == "main" { print $3; exit }'
}

# $1: suite, $2: folder. The apt sources of that suite, on this machine's mirror.
sources_of() {
    local main security
    main=$(mirror_of "")
    security=$(mirror_of security)
    [[ -n $main ]] || die "no Debian mirror in this machine's sources"
    printf '%s\n' "deb $main $1 main" ${security:+"deb $security $1-security main"} >"$2/sources.list"
}

# $1: suite. The folder of that suite's root file system, by what makes it.
base_of() {
    local recipe
    recipe=$({
        printf '%s\n' "$1" "${userland[$1]}"
        [[ $1 == bookworm ]] || printf '%s\n' "${userland[bookworm]}"
        declare -f build_base
        cat "$here"/base/*
    } | sha256sum)
    printf '%s/%s-%s' "$cache" "$1" "${recipe:0:16}"
}

build_base() {
    local suite=$1 into work
    into=$(base_of "$suite")
    if [[ -e $into/root.img ]]; then
        return
    fi
    [[ $suite == bookworm ]] || build_base bookworm

    printf 'lab: building the %s userland\n' "$suite" >&2
    work=$(mktemp -d "$cache/.work.XXXXXX")
    scratch+=("$work")
    sources_of "$suite" "$work"
    mkdir -p "$work/modules.d" "$work/conf.d"
    printf 'virtio_pci\nvirtio_blk\next4\n' >"$work/modules.d/lab"
    printf 'MODULES=list\n' >"$work/conf.d/lab"

    mmdebstrap --variant=minbase --quiet \
        --include="${userland[$suite]// /,}" \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
        --essential-hook="mkdir -p \"\$1/usr/share/initramfs-tools\"" \
        --essential-hook="copy-in $work/modules.d $work/conf.d /usr/share/initramfs-tools" \
        --customize-hook="$here/base/setup.sh \"\$1\"" \
        "$suite" "$work/root" "$work/sources.list" >"$work/log" 2>&1 </dev/null || {
        tail -n 30 "$work/log" >&2
        die "no $suite userland"
    }

    if [[ $suite == bookworm ]]; then
        cp "$work"/root/boot/vmlinuz-* "$work/vmlinuz"
        cp "$work"/root/boot/initrd.img-* "$work/initrd"
        tar -C "$work/root/usr/lib" -cf "$work/modules.tar" modules
    else
        tar -C "$work/root/usr/lib" -xf "$(base_of bookworm)/modules.tar"
        ln "$(base_of bookworm)"/{vmlinuz,initrd} "$work/"
    fi
    mkfs.ext4 -q -F -m 0 -L root -d "$work/root" "$work/root.img" 4G >>"$work/log" 2>&1
    rm -rf "$work/root" "$work/modules.d" "$work/conf.d"
    chmod 755 "$work"
    rm -rf "$cache/$suite"-*
    mv -T "$work" "$into"
}

# $1: suite. The folder of a chroot with all that builds the package.
chroot_of() {
    local recipe
    recipe=$({
        printf '%s\n' "$1"
        declare -f build_chroot
        grep -v '^Standards-Version' "$top/debian/control"
    } | sha256sum)
    printf '%s/build-%s-%s' "$cache" "$1" "${recipe:0:16}"
}

build_chroot() {
    local suite=$1 into work
    into=$(chroot_of "$suite")
    if [[ -e $into/root ]]; then
        return
    fi
    printf 'lab: building the %s build chroot\n' "$suite" >&2
    work=$(mktemp -d "$cache/.work.XXXXXX")
    scratch+=("$work")
    sources_of "$suite" "$work"
    # shellcheck disable=SC2016
    mmdebstrap --variant=minbase --quiet --include=build-essential,debhelper,lintian \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
        --customize-hook='mkdir -p "$1/build/debian"' \
        --customize-hook="copy-in $top/debian/control /build/debian" \
        --customize-hook='chroot "$1" apt-get -y --no-install-recommends build-dep /build' \
        --customize-hook='chroot "$1" useradd -m builder' \
        "$suite" "$work/root" "$work/sources.list" >"$work/log" 2>&1 </dev/null || {
        tail -n 30 "$work/log" >&2
        die "no $suite build chroot"
    }
    chmod 755 "$work"
    rm -rf "$cache/build-$suite"-*
    mv -T "$work" "$into"
}

# $1: suite. Builds the package of this work tree; its path goes to `package`.
build_package() {
    local suite=$1 root files recipe into work
    build_chroot "$suite"
    root=$(chroot_of "$suite")/root
    work=$(mktemp -d "$cache/.work.XXXXXX")
    scratch+=("$work")
    files=$work/files
    git -C "$top" ls-files -z -co --exclude-standard -- . ':!tests/lab' |
        while IFS= read -r -d '' file; do
            [[ ! -f $top/$file ]] || printf '%s\0' "$file"
        done >"$files"
    recipe=$({
        chroot_of "$suite"
        (cd "$top" && xargs -0 sha256sum <"$files")
    } | sha256sum)
    into=$cache/deb-$suite-${recipe:0:16}
    if [[ ! -e $into/xsavesd.deb ]]; then
        printf 'lab: building the %s package\n' "$suite" >&2
        rm -rf "$root/build"
        mkdir -p "$root/build/xsavesd" "$work/deb"
        tar -C "$top" --null -T "$files" -c | tar -C "$root/build/xsavesd" --no-same-owner -x
        chroot "$root" chown -R builder: /build
        unshare --mount --pid --fork --net --mount-proc="$root/proc" \
            chroot "$root" su builder -c '
                set -e
                cd /build/xsavesd
                export LC_ALL=C.UTF-8 DEB_BUILD_OPTIONS="parallel=2"
                dpkg-buildpackage -us -uc -b
                lintian --fail-on error,warning ../xsavesd_*.changes' >"$work/log" 2>&1 </dev/null || {
            tail -n 40 "$work/log" | cut -c 1-300 >&2
            die "no $suite package"
        }
        cp "$root"/build/xsavesd_*.deb "$work/deb/xsavesd.deb"
        rm -rf "$root/build"
        rm -rf "$cache/deb-$suite"-*
        mv -T "$work/deb" "$into"
    fi
    rm -rf "$work"
    package=$into/xsavesd.deb
}

# $1: the package. A next version of it, as an upgrade would bring: another
# version, and another policy.ini than the one that administrators edit.
next_deb() {
    local deb=$1 into=$2 tree=$work/next
    dpkg-deb -R "$deb" "$tree"
    sed -i 's/^Version: .*/&+next1/' "$tree/DEBIAN/control"
    printf '; as the next version ships it\n' >>"$tree/etc/xsavesd/policy.ini"
    (cd "$tree" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' |
        sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    dpkg-deb --root-owner-group -b "$tree" "$into" >/dev/null
    rm -rf "$tree"
}

# $1: the file; then options of the assembler.
boot_sector() {
    local into=$1
    shift
    as --32 "$@" "$here/guest.S" -o "$work/guest.o"
    ld -m elf_i386 -Ttext 0x7c00 --oformat binary "$work/guest.o" -o "$into"
}

# $1: suite. The second disk: driver, cases, packages, guests.
build_stage() {
    local stage=$work/stage case deb=${debs[$1]:-}
    rm -rf "$stage"
    mkdir -p "$stage/cases" "$stage/debs"
    cp -r "$here/inside" "$stage/"
    for case in "${cases[@]}"; do
        cp "$case" "$stage/cases/"
    done
    boot_sector "$stage/guest.bin"
    boot_sector "$stage/guest-always.bin" --defsym ALWAYS=1
    if [[ -n $deb ]]; then
        cp "$deb" "$stage/debs/xsavesd.deb"
        next_deb "$deb" "$stage/debs/xsavesd-next.deb"
    fi
    mkfs.ext4 -q -F -d "$stage" "$work/stage-$1.img" 64M 2>&1 | grep -v "^Creating" || true
}

# $1: machine. Boots it, and leaves its report and its console.
boot() {
    local machine=$1 suite cpu args base log status=0
    # One CPU: with two, under QEMU 7.2's TCG, hosts with running guests were seen to hang or to reset.
    local -a accel=(-accel 'tcg,thread=single,tb-size=512' -smp 1)
    [[ -z $steady ]] || accel+=(-icount 'shift=1,sleep=on' -rtc clock=vm)
    IFS=';' read -r suite cpu args <<<"${machines[$machine]}"
    base=$(base_of "$suite")
    log=$work/$machine
    TMPDIR=$work timeout -k 5 "$boot_limit" qemu-system-x86_64 \
        "${accel[@]}" -cpu "$cpu" -m 2048 \
        -display none -monitor none -no-reboot -net none \
        -kernel "$base/vmlinuz" -initrd "$base/initrd" \
        -append "console=ttyS0 root=/dev/vda rw init=/sbin/init panic=1 quiet fsck.mode=skip mitigations=off lab.machine=$machine $args" \
        -drive "file=$base/root.img,format=raw,if=virtio,snapshot=on,cache=unsafe" \
        -drive "file=$work/stage-$suite.img,format=raw,if=virtio,snapshot=on" \
        -serial "file:$log.console" -serial "file:$log.serial" \
        >"$log.qemu" 2>&1 </dev/null &
    trap 'kill %1; wait' TERM
    wait %1 || status=$?
    # Not in a subshell, which has no children yet.
    times >"$log.times"
    {
        tr -d '\r' <"$log.serial"
        printf '# %s: %s of CPU time\n' "$machine" "$(sed -n '2s/ .*//p' "$log.times")"
    } >"$log.report"
    if ! grep -q '^# end of cases' "$log.report"; then
        {
            printf 'not ok - %s: it ended before its cases did (status %s)\n' "$machine" "$status"
            cat "$log.qemu"
            tail -n 40 "$log.console" | tr -d '\r' | sed 's/^/# console: /'
        } >>"$log.report"
    fi
}

# $1: build_base or build_chroot; then suites. For a background job, with scratch
# folders of its own.
build_each() {
    local build=$1 suite
    shift
    scratch=()
    trap cleanup EXIT
    for suite; do
        "$build" "$suite"
    done
}

# $@: suites. What takes minutes when it is not in the cache, two at a time.
prepare() {
    local suite pid pids=() packaged=()
    for suite; do
        [[ -n $bare || -n ${debs[$suite]:-} ]] || packaged+=("$suite")
    done
    build_each build_base "$@" &
    pids+=($!)
    build_each build_chroot "${packaged[@]}" &
    pids+=($!)
    for pid in "${pids[@]}"; do
        wait "$pid" || exit 2
    done
    for suite in "${packaged[@]}"; do
        build_package "$suite"
        debs[$suite]=$package
        packages+=("$suite")
    done
}

run() {
    local machine passed failed started=$SECONDS suite
    local -A suites=()
    for machine in "${chosen[@]}"; do
        suites[${machines[$machine]%%;*}]=1
    done
    prepare "${!suites[@]}"
    exec 9>&-
    printf '# %s s of preparation\n' "$((SECONDS - started))"
    started=$SECONDS
    work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-lab.XXXXXX")
    scratch+=("$work")
    for suite in "${!suites[@]}"; do
        build_stage "$suite"
    done
    # Two at a time: each is busy on little more than one core.
    for machine in "${chosen[@]}"; do
        while [[ $(jobs -rp | wc -l) -ge 2 ]]; do
            wait -n
        done
        boot "$machine" &
        running+=($!)
    done
    wait
    for suite in "${packages[@]}"; do
        printf 'ok - package-%s: it builds, its unit tests pass, lintian has no error or warning\n' "$suite" |
            tee -a "$work/report"
    done
    for machine in "${chosen[@]}"; do
        printf '# machine %s\n' "$machine"
        tee -a "$work/report" <"$work/$machine.report"
    done
    passed=$(grep -c '^ok ' "$work/report" || true)
    failed=$(grep -c '^not ok ' "$work/report" || true)
    if [[ -n $keep ]]; then
        mkdir -p "$keep"
        cp "$work"/*.console "$work"/*.report "$keep/"
    fi
    printf '# %s s in the machines\n' "$((SECONDS - started))"
    sed -n 's/^not ok /# failed: /p' "$work/report"
    printf '1..%s\n' "$((passed + failed))"
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [[ $passed -gt 0 && $failed -eq 0 ]]
}

scratch=()
running=()
cleanup() {
    if [[ ${#running[@]} -gt 0 ]]; then
        kill "${running[@]}" 2>/dev/null || true
        wait
    fi
    [[ ${#scratch[@]} -eq 0 ]] || rm -rf "${scratch[@]}"
}
trap cleanup EXIT
trap 'exit 2' INT TERM HUP

verb=${1:-}
shift || true
declare -A debs=()
packages=()
bare=
steady=
keep=
operands=()
chosen=()
globs=()
while [[ $# -gt 0 ]]; do
    case $1 in
    --deb | --machine | --case | --keep)
        [[ $# -ge 2 ]] || usage
        case $1 in
        --deb)
            [[ $2 == *=* && -r ${2#*=} ]] || die "cannot read ${2#*=}"
            debs[${2%%=*}]=${2#*=}
            ;;
        --machine)
            [[ -n ${machines[$2]:-} ]] || die "no machine $2"
            chosen+=("$2")
            ;;
        --case) globs+=("$2") ;;
        --keep) keep=$2 ;;
        esac
        shift 2
        ;;
    --bare)
        bare=1
        shift
        ;;
    --steady)
        steady=1
        shift
        ;;
    -*) usage ;;
    *)
        operands+=("$1")
        shift
        ;;
    esac
done
[[ ${#chosen[@]} -gt 0 ]] || chosen=("${order[@]}")

cases=()
for case in "$here"/cases/*.sh; do
    name=$(basename "$case" .sh)
    if [[ ${#globs[@]} -eq 0 ]]; then
        cases+=("$case")
        continue
    fi
    for glob in "${globs[@]}"; do
        # shellcheck disable=SC2053
        if [[ $name == $glob ]]; then
            cases+=("$case")
            break
        fi
    done
done

case $verb in
tools) printf '%s\n' "${tools[@]}" ;;
machines) printf '%s\n' "${order[@]}" ;;
clean) rm -rf "$cache" ;;
base | run | package)
    [[ $EUID -eq 0 ]] || skip "needs root"
    for tool in apt-get dpkg-query; do
        command -v "$tool" >/dev/null || skip "this machine has no $tool"
    done
    memory=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
    [[ $verb != run || $memory -ge 5000 ]] || skip "needs 5 GB of free memory, $memory MB are there"
    install_tools
    mkdir -p "$cache"
    exec 9>"$cache/.lock"
    flock 9
    if [[ $verb == base ]]; then
        bare=1
        prepare "${!userland[@]}"
        exit 0
    fi
    if [[ $verb == package ]]; then
        [[ ${#operands[@]} -eq 2 && -n ${userland[${operands[0]}]:-} ]] || usage
        build_package "${operands[0]}"
        mkdir -p "${operands[1]}"
        # shellcheck disable=SC2016
        cp "$package" "${operands[1]}/$(dpkg-deb --show --showformat='${Package}_${Version}_${Architecture}.deb' "$package")"
        exit 0
    fi
    [[ ${#cases[@]} -gt 0 ]] || die "no such case"
    run
    ;;
*) usage ;;
esac
