# Integration of bash: read in place of ~/.bashrc, which it reads itself.
command rm -rf -- "$__codeexec_folder"
unset __codeexec_folder
[ ! -r ~/.bashrc ] || . ~/.bashrc
if [ -n "$CODEEXEC_PATH" ]; then
    case ":$PATH:" in
    ":$CODEEXEC_PATH:"*) ;;
    *) PATH="$CODEEXEC_PATH:$PATH" ;;
    esac
    unset CODEEXEC_PATH
fi

__codeexec_encode() {
    local text=${1:0:4000}
    text=${text//%/%25}
    text=${text//;/%3B}
    text=${text//$'\n'/%0A}
    text=${text//$'\t'/%09}
    __codeexec_encoded=${text//[[:cntrl:]]/ }
}

__codeexec_mark() {
    builtin printf '\e]7733;%s;%s\a' "$__codeexec_nonce" "$1"
}

__codeexec_before_prompt() {
    local status=$?
    if [ "${__codeexec_run-0}" = 1 ]; then
        __codeexec_run=0
        builtin printf '\e]133;D;%s\a' "$status"
        __codeexec_mark "D;$status"
    fi
    __codeexec_encode "$PWD"
    builtin printf '\e]7;file://%s%s\a\e]133;A;redraw=0\a' "${HOSTNAME-}" "$__codeexec_encoded"
    __codeexec_mark "P;$__codeexec_encoded"
    return "$status"
}

__codeexec_before_command() {
    local text
    text=$(HISTTIMEFORMAT= builtin history 1)
    text=${text#"${text%%[![:space:]]*}"}
    local number=${text%%[!0-9]*}
    text=${text#"$number"}
    text=${text#[* ]}
    text=${text# }
    if [ "$number" = "$1" ]; then
        text= # not in the history: the same again, or one with a space before it
    fi
    __codeexec_encode "$text"
    builtin printf '\e]133;C\a'
    __codeexec_mark "C;$__codeexec_encoded"
}

__codeexec_mark_input() {
    local status=$?
    local number
    number=$(HISTTIMEFORMAT= builtin history 1)
    number=${number#"${number%%[![:space:]]*}"}
    __codeexec_number=${number%%[!0-9]*}
    case $PS1 in
    *'\e]133;B'*) ;;
    *)
        # Readline writes the prompt after it has turned the echo off: what is typed ahead of it is
        # shown above the place that it marks.
        PS1='\[\e]7733;$__codeexec_nonce;A\a\]'$PS1'\[\e]133;B\a\e]7733;$__codeexec_nonce;B\a\]'
        ;;
    esac
    return "$status"
}

# The first one sees the status of the command, and hands it on.
if [ -n "${PROMPT_COMMAND[*]-}" ]; then
    PROMPT_COMMAND=(__codeexec_before_prompt "${PROMPT_COMMAND[@]}" __codeexec_mark_input)
else
    PROMPT_COMMAND=(__codeexec_before_prompt __codeexec_mark_input)
fi
PS0="${PS0-}"'${__codeexec_run:$((__codeexec_run=1,0)):0}$(__codeexec_before_command "$__codeexec_number")'
__codeexec_run=0
