# Integration of zsh: read in place of ~/.zshenv, which it reads itself.
command rm -rf -- "$__codeexec_folder"
unset __codeexec_folder
if [[ -n ${CODEEXEC_ZDOTDIR+set} ]]; then
    ZDOTDIR=$CODEEXEC_ZDOTDIR
    unset CODEEXEC_ZDOTDIR
else
    unset ZDOTDIR
fi
[[ ! -r ${ZDOTDIR:-$HOME}/.zshenv ]] || source "${ZDOTDIR:-$HOME}/.zshenv"

__codeexec_encode() {
    local text=${1[1,4000]}
    text=${text//\%/%25}
    text=${text//;/%3B}
    text=${text//$'\n'/%0A}
    text=${text//$'\t'/%09}
    __codeexec_encoded=${text//[[:cntrl:]]/ }
}

__codeexec_mark() {
    builtin printf '\e]7733;%s;%s\a' "$__codeexec_nonce" "$1"
}

__codeexec_before_prompt() {
    local code=$?
    if [[ -n ${CODEEXEC_PATH-} ]]; then
        # After the user's files, which may have set the path anew.
        [[ ":$PATH:" == ":$CODEEXEC_PATH:"* ]] || PATH="$CODEEXEC_PATH:$PATH"
        unset CODEEXEC_PATH
    fi
    if [[ ${__codeexec_run-0} == 1 ]]; then
        __codeexec_run=0
        builtin printf '\e]133;D;%s\a' "$code"
        __codeexec_mark "D;$code"
    fi
    __codeexec_encode "$PWD"
    builtin printf '\e]7;file://%s%s\a\e]133;A;redraw=0\a' "$HOST" "$__codeexec_encoded"
    __codeexec_mark "P;$__codeexec_encoded"
}

__codeexec_before_command() {
    __codeexec_run=1
    __codeexec_encode "$1"
    builtin printf '\e]133;C\a'
    __codeexec_mark "C;$__codeexec_encoded"
}

autoload -Uz add-zsh-hook
add-zsh-hook precmd __codeexec_before_prompt
add-zsh-hook preexec __codeexec_before_command
