# Starts a shell with our integration, in POSIX sh: no file of the user is changed.
# CODEEXEC_SHELL is the shell (empty: the best one here), CODEEXEC_NONCE the secret of its marks,
# CODEEXEC_BASH, CODEEXEC_ZSH and CODEEXEC_FISH are the integrations.
shell=$CODEEXEC_SHELL
nonce=$CODEEXEC_NONCE
bash=$CODEEXEC_BASH
zsh=$CODEEXEC_ZSH
fish=$CODEEXEC_FISH
unset CODEEXEC_SHELL CODEEXEC_NONCE CODEEXEC_BASH CODEEXEC_ZSH CODEEXEC_FISH
[ -n "$shell" ] || shell=$(command -v bash || command -v zsh || command -v fish || command -v sh)
SHELL=$(command -v "$shell") && export SHELL
case ${shell##*/} in
bash | zsh | fish) ;;
*) exec "$shell" -i ;;
esac
umask_before=$(umask)
umask 077
folder=$(mktemp -d "${TMPDIR:-/tmp}/codeexec-shell-XXXXXXXX" 2>/dev/null) || folder=
umask "$umask_before"
[ -n "$folder" ] || exec "$shell" -i
# The nonce is in a file that the shell removes: no environment has it.
case ${shell##*/} in
bash)
    printf '__codeexec_nonce=%s\n__codeexec_folder=%s\n%s\n' "$nonce" "'$folder'" "$bash" \
        >"$folder/rc"
    exec "$shell" --rcfile "$folder/rc" -i
    ;;
zsh)
    printf '__codeexec_nonce=%s\n__codeexec_folder=%s\n%s\n' "$nonce" "'$folder'" "$zsh" \
        >"$folder/.zshenv"
    [ -z "${ZDOTDIR+set}" ] || export CODEEXEC_ZDOTDIR="$ZDOTDIR"
    ZDOTDIR=$folder exec "$shell" -i
    ;;
fish)
    printf 'set -g __codeexec_nonce %s\nset -g __codeexec_folder %s\n%s\n' \
        "$nonce" "'$folder'" "$fish" >"$folder/init.fish"
    exec "$shell" -i -C "source '$folder/init.fish'"
    ;;
esac
