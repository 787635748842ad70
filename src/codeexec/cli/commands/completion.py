"""`codeexec-tui completion bash|zsh|fish`: prints the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, add_completion_class, get_completion_class

from codeexec.cli import messages as style
from codeexec.cli.command_table import PROGRAM

VARIABLE = "_CODEEXEC_TUI_COMPLETE"

WHERE = {
    "bash": "~/.local/share/bash-completion/completions/codeexec-tui",
    "zsh": "~/.zfunc/_codeexec-tui (with fpath+=~/.zfunc before compinit)",
    "fish": "~/.config/fish/completions/codeexec-tui.fish",
}

# click's own template drops the completions if a file name is possible too.
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' completion response type value
    local word="${COMP_WORDS[COMP_CWORD]}" paths=""

    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        %(complete_var)s=bash_complete "$1")

    COMPREPLY=()
    for completion in $response; do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir | file) paths=$type ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done

    if [[ $paths && ${#COMPREPLY[@]} -eq 0 ]]; then
        if [[ $paths == dir ]]; then compopt -o dirnames; else compopt -o default; fi
    elif [[ $paths ]]; then
        compopt -o filenames
        if [[ $paths == dir ]]; then
            COMPREPLY+=($(compgen -d -- "$word"))
        else
            COMPREPLY+=($(compgen -f -- "$word"))
        fi
    fi
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class BashCompletion(BashComplete):
    """Completion in bash, which splits `--theme=ink` into three words."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        arguments, incomplete = super().get_completion_args()
        return [word for word in arguments if word != "="], "" if incomplete == "=" else incomplete


add_completion_class(BashCompletion)


@click.command()
@click.argument("shell", type=click.Choice(sorted(WHERE)))
@click.option("--json", "as_json", is_flag=True, help="Print the script as a JSON object.")
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print the completion script for SHELL.

    \b
      bash  codeexec-tui completion bash > ~/.local/share/bash-completion/completions/codeexec-tui
      zsh   codeexec-tui completion zsh > ~/.zfunc/_codeexec-tui
      fish  codeexec-tui completion fish > ~/.config/fish/completions/codeexec-tui.fish
    """
    shell_class = get_completion_class(shell)
    assert shell_class is not None, "click knows the three shells that we offer"
    script = shell_class(context.find_root().command, {}, PROGRAM, VARIABLE).source()
    if as_json:
        style.say_json({"shell": shell, "place": WHERE[shell], "script": script})
    else:
        style.say_lines(script)
