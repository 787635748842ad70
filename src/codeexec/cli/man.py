"""Generates the manual page from the commands: `python -m codeexec.cli.man > FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import cleandoc

import click

from codeexec import __version__
from codeexec.cli import exit_codes as exits
from codeexec.cli.command_table import PROGRAM
from codeexec.cli.group import OPEN, RUN_IN_SESSION, cli

SUMMARY = "a terminal workbench for running code"

FILES = (
    ("~/.config/codeexec-tui/config.toml", "The user's settings; CODEEXEC_CONFIG names another."),
    ("~/.config/codeexec-tui/themes/, keymaps/", "The user's themes and keymaps."),
    (".codeexec.toml", "Settings of a project; searched from the current folder upward."),
    ("~/.local/state/codeexec-tui/", "Sessions, their journals and artifacts; unsaved text."),
)
ENVIRONMENT = (
    ("CODEEXEC_TABLE_NAME", "A setting, such as CODEEXEC_EDITOR_TAB_SIZE."),
    ("CODEEXEC_AGENT", "Name of an agent: what it runs by commands on a session is marked."),
    (
        "CODEEXEC_IPC_TRACE",
        "If set, the server logs what it and Python kernels without ipykernel say to each other.",
    ),
    ("NO_COLOR, TERM=dumb", "No colours; a dumb terminal gets no escape sequence at all."),
    ("VIRTUAL_ENV, CONDA_PREFIX", "The Python environment that runs code."),
    ("DOCKER_HOST", "The container engine."),
)


def man_page() -> str:
    """The page in man(7) macros, without a date, so that the output is reproducible."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    context = click.Context(cli, info_name=PROGRAM)
    yield f'.TH CODEEXEC\\-TUI 1 "" "{PROGRAM} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{_text(PROGRAM)} \\- {SUMMARY}"
    yield ".SH SYNOPSIS"
    yield f".B {_text(PROGRAM)}"
    yield "[\\fIOPTIONS\\fR] [\\fIFILE\\fR ...]"
    yield ".br"
    yield f".B {_text(PROGRAM)}"
    yield "\\fICOMMAND\\fR [\\fIARGUMENTS\\fR ...]"
    yield ".SH DESCRIPTION"
    yield from _help(cli)
    yield ".SH OPTIONS"
    opening = cli.get_command(context, OPEN)
    assert opening is not None, "LazyGroup always knows OPEN"
    yield from _options(opening, context)
    yield from _options(cli, context)
    yield ".SH COMMANDS"
    for name in cli.list_commands(context):
        yield from _command(cli, context, name)
        if name == "run":
            yield from _command(cli, context, RUN_IN_SESSION)
    yield ".SH EXIT STATUS"
    yield "A script's own exit status is passed through. Otherwise:"
    for code, meaning in exits.MEANINGS:
        yield from _tagged(f"\\fB{code}\\fR", meaning)
    for title, entries in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES)):
        yield f".SH {title}"
        for name, description in entries:
            yield from _tagged(f"\\fI{_text(name)}\\fR", description)


def _command(group: click.Group, above: click.Context, name: str) -> Iterator[str]:
    command = group.get_command(above, name)
    assert command is not None, "the group lists only its own commands"
    context = click.Context(command, info_name=name, parent=above)
    path = context.command_path.removeprefix(f"{PROGRAM} ")
    if name == RUN_IN_SESSION:
        path = "run --session"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {path} {_text(usage)}"
    yield from _help(command)
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for subcommand in command.list_commands(context):
            yield from _command(command, context, subcommand)


def _help(command: click.Command) -> Iterator[str]:
    """Paragraphs of the help; those that begin with \\b keep their line breaks."""
    for number, paragraph in enumerate(cleandoc(command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        lines = [line for line in paragraph.split("\n") if line.strip() != "\b"]
        if len(lines) < paragraph.count("\n") + 1:
            yield from (".nf", *map(_line, lines), ".fi")
        else:
            yield _line(" ".join(line.strip() for line in lines))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = (
            None if isinstance(parameter, click.Argument) else parameter.get_help_record(context)
        )
        if record is not None and record[0] not in ("--help", "-h, --help"):
            yield from _tagged(f"\\fB{_text(record[0])}\\fR", record[1])


def _tagged(tag: str, text: str) -> Iterator[str]:
    yield from (".TP", tag, _line(" ".join(text.split())))


def _line(text: str) -> str:
    """The text as one line that troff does not read as a request."""
    escaped = _text(text)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _text(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


if __name__ == "__main__":
    sys.stdout.write(man_page())
