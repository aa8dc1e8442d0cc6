#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of xsavesctl in bash, and in zsh where that is there. XSAVESCTL names the command under test; the guests are made up,
# because there is no daemon here.

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=../tap.sh
. "$here/../tap.sh"

[[ -x ${XSAVESCTL:-} ]] || bail "XSAVESCTL does not name the command"
xsavesctl=$(realpath "$XSAVESCTL")
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/xsavesd-completion.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/bin" "$work/files/policies"
touch "$work/files/a.xml" "$work/files/b.facts"
cat >"$work/guests.json" <<'END'
[
  {
    "guest": "db",
    "uuid": "1",
    "guest-rule": "a"
  },
  {
    "guest": "win2016-a",
    "uuid": "2"
  },
  {
    "guest": "win 2016 \"b\""
  }
]
END
cat >"$work/bin/xsavesctl" <<END
#!/bin/sh
case "\$*" in
    "list --json"*) echo "\$*" >>"$work/calls"; exec cat "$work/guests.json" ;;
esac
exec "$xsavesctl" "\$@"
END
chmod +x "$work/bin/xsavesctl"
PATH=$work/bin:$PATH
cd "$work/files" || exit 1

# A shell as a user has it: what TAB offers behind these words, the last of which is being typed. One word a line, sorted.
cat >"$work/complete.bash" <<END
. "$root/cli/completion/xsavesctl.bash"
compopt() { :; }
COMP_WORDS=(xsavesctl "\$@")
COMP_CWORD=\$#
_xsavesctl xsavesctl "\${!#}"
for word in "\${COMPREPLY[@]}"; do
    printf '%s\n' "\$word"
done | sort
END
offers() { bash --norc "$work/complete.bash" "$@" | tr '\n' ' ' | sed 's/ $//'; }

verbs=$("$xsavesctl" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort | tr '\n' ' ' | sed 's/ $//')
ok "there are commands" test "$(wc -w <<<"$verbs")" -ge 13
same "all commands" "$verbs" "$(offers '')"
same "commands by their beginning" "rewrite" "$(offers rew)"
same "commands with one beginning" "list" "$(offers l)"
same "options without a command" "--bus --help --host --json --no-legend --policy --version" "$(offers --)"
for verb in $verbs; do
    same "options of $verb" \
        "$("$xsavesctl" "$verb" --help | sed -n 's/^  \(--[a-z-]*\) .*/\1/p' | sort | tr '\n' ' ' | sed 's/ $//')" \
        "$(offers "$verb" --)"
done
same "an option by its beginning" "--dry-run" "$(offers converge --d)"
same "a command behind options" "converge" "$(offers --json --policy policies conv)"
for verb in explain diff converge revert; do
    same "guests of $verb" 'db win2016-a win\ 2016\ \"b\"' "$(offers "$verb" '')"
done
same "a guest by its beginning" "win2016-a" "$(offers converge win2)"
same "a second guest" "db" "$(offers diff win2016-a d)"
same "a guest with blanks" 'win\ 2016\ \"b\"' "$(offers explain 'win\ 2')"
same "a file where a guest or a file may be" "./a.xml" "$(offers explain ./a)"
same "files" "a.xml b.facts policies" "$(offers simulate '')"
same "a folder for --policy" "policies" "$(offers simulate --policy '')"
same "a folder behind an equals sign" "policies" "$(offers simulate --policy = pol)"
same "a file for --host" "b.facts" "$(offers simulate --host b)"
same "a file behind an option with its folder" "a.xml" "$(offers simulate --policy = policies a)"
same "nothing for a bus" "" "$(offers list --bus '')"
rm -f "$work/calls"
offers converge --bus unix:path=/x '' >/dev/null
same "the guests of another bus" "list --json --bus unix:path=/x" "$(<"$work/calls")"
same "nothing more for status" "" "$(offers status '')"

if ! command -v zsh >/dev/null; then
    verdict ok "zsh # SKIP this machine has no zsh"
    tap_end
fi

# zsh completes in its line editor only, so it gets a terminal.
cat >"$work/complete.py" <<'END'
import os, pty, re, select, sys

folder, words, wanted = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM="dumb", HOME="/nonexistent", COLUMNS="400", LINES="100")
    os.execvp("zsh", ["zsh", "-f", "-i"])

def read_until(mark):
    seen = ""
    while mark not in seen and select.select([terminal], [], [], 60)[0]:
        try:
            seen += os.read(terminal, 65536).decode(errors="replace")
        except OSError:
            break
    return seen

os.write(terminal, ("fpath=(%s $fpath); autoload -U compinit; compinit -D -u; LISTMAX=1000; unsetopt AUTO_MENU; "
    "zstyle ':completion:*' list-separator '--'; PS1=; bindkey '^X' list-choices; "
    "exit-now() { exit }; zle -N exit-now; bindkey '^E' exit-now; print RE''ADY\n" % folder).encode())
read_until("READY")
os.write(terminal, (words + "\x18").encode())
# Until it is seen, or for a minute; and then what is listed with it.
seen = ""
while select.select([terminal], [], [], 60 if wanted not in seen else 1)[0]:
    try:
        seen += os.read(terminal, 65536).decode(errors="replace")
    except OSError:
        break
os.close(terminal)
os.waitpid(pid, 0)
print(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen).replace("\r", ""))
END
# zsh_offers WORDS TEXT: TEXT is in the list.
zsh_offers() {
    said=$(python3 "$work/complete.py" "$root/cli/completion" "$1" "$2")
    grep -qF -- "$2" <<<"$said"
}

ok "zsh: commands, with what they do" zsh_offers "xsavesctl " "Bring definitions in line with the policy now"
ok "zsh: options of a command" zsh_offers "xsavesctl converge --" "--dry-run"
ok "zsh: not those of others" not grep -qF -- "--baseline" <<<"$said"
ok "zsh: guests" zsh_offers "xsavesctl converge " "win2016-a"
ok "zsh: files" zsh_offers "xsavesctl simulate " "a.xml"

tap_end
