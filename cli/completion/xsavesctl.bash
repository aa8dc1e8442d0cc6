# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of xsavesctl(1) for bash. Commands and options are those that --help tells, guests those that the daemon knows.

_xsavesctl_commands() {
    "$1" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# Of the command, or, where there is none yet, of all.
_xsavesctl_options() {
    "$1" ${2:+"$2"} --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\) .*/\1/p'
}

# One key a line, so that no JSON reader is needed.
_xsavesctl_guests() {
    "$1" list --json ${2:+--bus "$2"} 2>/dev/null |
        sed -n 's/^ *"guest": "\(.*\)",*$/\1/p' | sed 's/\\\(["\\]\)/\1/g'
}

# Words that begin with the current one, each quoted as bash wants it.
_xsavesctl_offer() {
    local word

    COMPREPLY=()
    while IFS= read -r word; do
        if [[ -n $word && $word == "$2"* ]]; then
            printf -v word %q "$word"
            COMPREPLY+=("$word")
        fi
    done <<<"$1"
}

_xsavesctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} program=${COMP_WORDS[0]} verb='' bus='' option='' word

    # "--policy=x" comes as three words.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $option$word in
            --policy | --host | --baseline | --bus) option=$word ;;
            --*=) ;;
            --bus*) [[ -z $option ]] || bus=$word; option='' ;;
            -*) option='' ;;
            *) verb=${verb:-$word} ;;
        esac
    done
    [[ $cur != = ]] || cur=''
    cur=${cur//\\ / }

    case $option in
        --policy | --baseline)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
            return
            ;;
        --host)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            return
            ;;
        --bus) return ;;
    esac

    if [[ $cur == -* ]]; then
        _xsavesctl_offer "$(_xsavesctl_options "$program" "$verb")" "$cur"
        return
    fi
    case $verb in
        '') _xsavesctl_offer "$(_xsavesctl_commands "$program")" "$cur" ;;
        diff | converge) _xsavesctl_offer "$(_xsavesctl_guests "$program" "$bus")" "$cur" ;;
        explain | revert)
            _xsavesctl_offer "$(_xsavesctl_guests "$program" "$bus")" "$cur"
            if [[ $cur == */* || $cur == .* || ${#COMPREPLY[@]} -eq 0 ]]; then
                compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            fi
            ;;
        check | rewrite | simulate)
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
    esac
}

complete -F _xsavesctl xsavesctl
