"""The click group of all commands; each command's module is imported when it is called."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from codeexec import __version__
from codeexec.cli import exit_codes as exits
from codeexec.cli.command_table import COMMANDS, IN_SESSION, PROGRAM
from codeexec.cli.failed_output import leave_quietly, output_error
from codeexec.cli.log_text import make_log_printable
from codeexec.cli.messages import say_lines, show_error
from codeexec.cli.typos import refuse_mistyped
from codeexec.domain.errors import CodeexecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codeexec.kernels.early import EarlyKernel


EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {text}" for code, text in exits.MEANINGS)


class PipeClosed(Exception):
    """The reader of our output has gone. Click would answer a BrokenPipeError with status 1."""


@contextmanager
def _pipe_errors() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise PipeClosed from error


class LazyGroup(click.Group):
    """Group of the commands in `command_table`; other arguments open the workbench."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        # Help is printed while the arguments are read.
        with _pipe_errors():
            try:
                return super().make_context(info_name, args, parent, **extra)
            except BrokenPipeError:
                raise
            except OSError as error:
                leave_quietly()
                raise output_error(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        with _pipe_errors():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == OPEN:
            from codeexec.cli.commands.workbench import open_command

            return open_command
        if cmd_name == RUN_IN_SESSION:
            from codeexec.cli.commands.agents import run_in_session

            return run_in_session
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl([row for row in rows if row[0] not in IN_SESSION])
        with formatter.section("Commands on an open session (with run --session)"):
            formatter.write_dl([row for row in rows if row[0] in IN_SESSION])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        opening = self.get_command(ctx, OPEN)
        assert opening is not None
        with formatter.section("Options of the workbench"):
            formatter.write_dl(
                [
                    record
                    for option in opening.get_params(ctx)
                    if not isinstance(option, click.Argument)
                    and option.name != "help"
                    and (record := option.get_help_record(ctx))
                ]
            )
        super().format_options(ctx, formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_completing = ctx.resilient_parsing and not args
        if not is_completing and (not args or args[0] not in (*COMMANDS, *_OWN_OPTIONS)):
            if args and not ctx.resilient_parsing:
                refuse_mistyped(args[0])
            args = [OPEN, *args]
        elif not is_completing and _runs_in_session(args):
            args = [RUN_IN_SESSION, *args[1:]]
        return super().parse_args(ctx, args)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        commands = [
            click.shell_completion.CompletionItem(name, help=text)
            for name, (_, text) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        opening = self.get_command(ctx, OPEN)
        assert opening is not None
        options = opening.shell_complete(ctx, incomplete) if incomplete.startswith("-") else []
        file = click.shell_completion.CompletionItem(incomplete, type="file")
        return commands + options + ([] if incomplete.startswith("-") else [file])


OPEN = "open "
"""Internal name of the command that opens the workbench; users cannot type its blank."""

RUN_IN_SESSION = "run "
"""Internal name of `run` with `--session` or `--server` before its file."""

_VALUES = ("--code", "--cell", "--language", "--wait")
"""Options of it that have a value."""


def _runs_in_session(arguments: list[str]) -> bool:
    """Whether `run` has `--session` among the options before its file: behind it, options are the
    program's."""
    if arguments[:1] != ["run"]:
        return False
    words = iter(arguments[1:])
    for word in words:
        name, sign, _ = word.partition("=")
        if name == "--server":
            value = (word.partition("=")[2] if sign else next(words, "")) or ""
            return not _is_jupyter_server(value)
        if name == "--session":
            return True
        if name in _VALUES and not sign:
            next(words, None)
        elif not word.startswith("--") or word == "--":
            return False
    return False


def _is_jupyter_server(name: str) -> bool:
    from codeexec.cli.servers.jupyter import is_jupyter_server  # loads the settings

    return is_jupyter_server(name)


_OWN_OPTIONS = ("--help", "-h", "--version", "-V")


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="[FILE…] | COMMAND [ARGS]…",
    epilog=EPILOG,
)
@click.version_option(
    __version__, "-V", "--version", prog_name=PROGRAM, message="%(prog)s %(version)s"
)
def cli() -> None:
    """A terminal workbench for running code.

    Without a command, files are opened in the workbench: an editor, a console and an artifact
    viewer on a session that keeps running when you leave.

    \b
      codeexec-tui analysis.py          open a script
      codeexec-tui run analysis.py      run it without a screen
      codeexec-tui attach               come back to a running session
    """


def _show_usage(error: click.ClickException) -> None:
    """Print click's message on stderr; made printable, since it quotes the command line."""
    text = io.StringIO()
    error.show(text)
    say_lines(text.getvalue().rstrip("\n"), file=sys.stderr)


def invoke(arguments: list[str], early: EarlyKernel | None = None) -> int:
    """Run the command line, print errors on stderr, and return the exit code.

    `early` is the kernel that already boots for `run`; None: there is none.
    """
    as_json = "--json" in arguments
    make_log_printable()
    if "_CODEEXEC_TUI_COMPLETE" in os.environ:
        import_module("codeexec.cli.commands.completion")  # registers our bash completion
    try:
        result = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False, obj=early)
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx and error.ctx.info_name == OPEN:
            error.ctx = error.ctx.parent  # OPEN is not part of what the user typed
        _show_usage(error)
        return exits.USAGE
    except (click.Abort, KeyboardInterrupt):
        return exits.INTERRUPTED
    except CodeexecError as error:
        show_error(error, as_json)
        return exits.of_error(error)
    except PipeClosed:
        leave_quietly()
        return exits.PIPE_CLOSED
    return result if isinstance(result, int) else exits.OK
