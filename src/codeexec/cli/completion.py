"""`codeexec-tui completion bash|zsh|fish`: what a shell needs to complete our words."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from codeexec.cli import style

VARIABLE = "_CODEEXEC_TUI_COMPLETE"

WHERE = {
    "bash": "~/.local/share/bash-completion/completions/codeexec-tui",
    "zsh": "~/.zfunc/_codeexec-tui (with fpath+=~/.zfunc before compinit)",
    "fish": "~/.config/fish/completions/codeexec-tui.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(sorted(WHERE)))
@click.option("--json", "as_json", is_flag=True, help="Print the script as a JSON object.")
@click.pass_context
def completion(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the completion script for SHELL.

    \b
      bash  codeexec-tui completion bash > ~/.local/share/bash-completion/completions/codeexec-tui
      zsh   codeexec-tui completion zsh > ~/.zfunc/_codeexec-tui
      fish  codeexec-tui completion fish > ~/.config/fish/completions/codeexec-tui.fish
    """
    from codeexec.cli.commands import PROGRAM, cli

    found = get_completion_class(shell)
    assert found is not None, "click knows the three shells that we offer"
    script = found(cli, {}, PROGRAM, VARIABLE).source()
    if as_json:
        style.say_json({"shell": shell, "place": WHERE[shell], "script": script})
    else:
        style.say_lines(script)
