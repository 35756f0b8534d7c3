# SPDX-License-Identifier: Apache-2.0
# mohr.bash: completion of mohr and mohr-relay for bash. It keeps no list of its own: commands, options and the words that
# an option takes are read from what `mohr help` prints, so that it knows what the installed program knows. Names of
# readers come from the daemon, which asks no card and no person for them.

_mohr_said() { LC_ALL=C.UTF-8 LANGUAGE=en "${COMP_WORDS[0]}" help "$@" 2>/dev/null; }

# Prints the lines of help for a command, or for one of its subcommands alone.
_mohr_help() { # COMMAND [SUBCOMMAND]
        _mohr_said "$1" | if [ $# -gt 1 ]; then
                sed -n "/^mohr[a-z-]* $1 $2\( \|\$\)/,/^\(    [^ ]\|\$\)/p"
        else
                cat
        fi
}

_mohr_commands() { _mohr_said | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'; }

_mohr_subcommands() { # COMMAND; `[list|revoke GRANT]` is a way to name them, too
        _mohr_help "$1" | sed -n "1s/^mohr[a-z-]* $1 \[\([a-z|]*\)[] ].*/\1/p; s/^mohr[a-z-]* $1 \([a-z][a-z-]*\)\( .*\|\$\)/\1/p" | tr "|" "\n" | sort -u
}

_mohr_options() { grep -o -e '--[a-z][a-z-]*' | sort -u; }

# What stands after an option: `a|b|c` (those words), FILE, DIR, FOLDER, NAME, or nothing.
_mohr_argument() { # OPTION
        grep -o -e "$1 [^] ]*" | head -n 1 | cut -d' ' -f2
}

_mohr_readers() {
        mohr status --json 2>/dev/null | tr '{' '\n' | sed -n 's/.*"name": *"\([^"\\]*\)".*/\1/p'
}

_mohr_reply() { # WORDS, one a line, that begin with what is typed
        local word
        while IFS= read -r word; do
                [[ $word != "$cur"* ]] || COMPREPLY+=("$word")
        done
}

_mohr_files() { compopt -o filenames 2>/dev/null; COMPREPLY=(); _mohr_reply < <(compgen -f -- "$cur"); }

_mohr_quoted() { # names of readers have blanks
        local name
        cur=${cur#[\"\']} cur=${cur//\\/}
        while IFS= read -r name; do
                [[ $name != "$cur"* ]] || COMPREPLY+=("$(printf %q "$name")")
        done < <(_mohr_readers)
}

_mohr_value() { # OPTION, HELP: 1 if it takes none
        local kind
        kind=$(_mohr_argument "$1" <<<"$2")
        case $1,$kind in
        --reader,NAME) _mohr_quoted ;;
        *,*\|*) if [[ $kind == *[[:upper:]]* ]]; then _mohr_files; else _mohr_reply < <(tr '|' '\n' <<<"$kind"); fi ;;
        *,FILE* | *,FOLDER* | *,DIR* | *,NAME.* | *,KEY | *,CERTIFICATE*) _mohr_files ;;
        *,[[:upper:]]*) ;; # a text, a number, a time: nobody but the person knows
        *) return 1 ;;
        esac
}

_mohr() {
        local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]-} sub='' help subs
        COMPREPLY=()
        if [ "$COMP_CWORD" -le 1 ]; then
                _mohr_reply < <(_mohr_commands)
                return
        fi
        if [ "$command" = help ]; then
                [ "$COMP_CWORD" -gt 2 ] || _mohr_reply < <(_mohr_commands)
                return
        fi
        subs=$(_mohr_subcommands "$command")
        if [ -n "$subs" ] && [ "$COMP_CWORD" -gt 2 ] && grep -qx -e "${COMP_WORDS[2]}" <<<"$subs"; then
                sub=${COMP_WORDS[2]}
        fi
        help=$(_mohr_help "$command" ${sub:+"$sub"})
        [ -n "$help" ] || help=$(_mohr_help "$command")
        if [[ ${COMP_WORDS[COMP_CWORD - 1]} == --* ]] && _mohr_value "${COMP_WORDS[COMP_CWORD - 1]}" "$help"; then
                return
        fi
        if [[ $cur == -* ]]; then
                _mohr_reply < <(_mohr_options <<<"$help")
        elif [ -n "$subs" ] && [ "$COMP_CWORD" -eq 2 ]; then
                _mohr_reply <<<"$subs"
        else
                _mohr_files
        fi
} &&
        complete -F _mohr mohr mohr-relay
