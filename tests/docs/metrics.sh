#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What xsavesd-metrics.service runs: it writes the metrics in one step, and leaves nothing old when there are none. The command in
# it is a stand-in.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

unit=$here/../../systemd/xsavesd-metrics.service.in
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-metrics.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/texts"

# The line as systemd gives it to the shell: continued lines joined, $$ is $.
command=$(sed -n "/^ExecStart=/,/'\$/p" "$unit" | sed 's/\\$//' | tr -d '\n' |
    sed "s|^ExecStart=/bin/sh -c '||; s|'\$||; s|\\\$\\\$|\$|g; s|@bindir@|$work/bin|")
run() { said=$(TEXTFILES=$work/texts sh -c "$command" 2>&1); }
prints() {
    printf '#!/bin/sh\n%s\n' "$1" >"$work/bin/xsavesctl"
    chmod +x "$work/bin/xsavesctl"
}

ok "there is a command" test -n "$command"
prints 'printf "xsavesd_up 1\n# EOF\n"'
ok "it succeeds" run
same "the metrics are there" "xsavesd_up 1 # EOF" "$(tr '\n' ' ' <"$work/texts/xsavesd.prom" | sed 's/ $//')"
same "and nothing else" xsavesd.prom "$(ls -A "$work/texts")"

# shellcheck disable=SC2016 # that script's own
prints 'echo half; ls -A "$TEXTFILES" >&2; cat "$TEXTFILES/xsavesd.prom" >&2'
ok "it succeeds again" run
ok "meanwhile the old ones are there" grep -q "xsavesd_up 1" <<<"$said"
ok "the new ones are under a name that is not collected" grep -qx "xsavesd.prom.new" <<<"$said"
same "then they are there" half "$(<"$work/texts/xsavesd.prom")"

prints 'echo half; exit 3'
ok "when there are none it fails" not run
same "and leaves nothing" "" "$(ls -A "$work/texts")"

if command -v systemd-analyze >/dev/null; then
    sed "s|@bindir@|$work/bin|" "$unit" >"$work/xsavesd-metrics.service"
    cp "${unit%.service.in}.timer" "$work"
    said=$(systemd-analyze verify --man=no "$work/xsavesd-metrics.service" "$work/xsavesd-metrics.timer" 2>&1)
    same "systemd takes the units" "" "$(grep xsavesd-metrics <<<"$said")"
fi

tap_end
