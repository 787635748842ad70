# Integration of fish: read after the user's files.
command rm -rf -- $__codeexec_folder
set -e __codeexec_folder
if set -q CODEEXEC_PATH
    if test "$PATH[1]" != "$CODEEXEC_PATH"
        set -gx PATH $CODEEXEC_PATH $PATH
    end
    set -e CODEEXEC_PATH
end

function __codeexec_encode
    string sub -l 4000 -- "$argv" | string join \n | string collect |
        string replace -a -- '%' '%25' | string replace -a -- ';' '%3B' |
        string join '%0A' | string replace -ar '[[:cntrl:]]' ' '
end

function __codeexec_mark
    printf '\e]7733;%s;%s\a' $__codeexec_nonce "$argv[1]"
end

function __codeexec_before_prompt --on-event fish_prompt
    set -l folder (__codeexec_encode "$PWD")
    printf '\e]7;file://%s%s\a\e]133;A;redraw=0\a' "$hostname" "$folder"
    __codeexec_mark "P;$folder"
end

function __codeexec_before_command --on-event fish_preexec
    set -g __codeexec_run 1
    printf '\e]133;C\a'
    __codeexec_mark "C;"(__codeexec_encode "$argv[1]")
end

function __codeexec_after_command --on-event fish_postexec
    set -l code $status
    set -e __codeexec_run
    printf '\e]133;D;%s\a' $code
    __codeexec_mark "D;$code"
end
