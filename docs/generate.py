"""Pages that are made from the code at build time: the references, and the pages at the top level.

mkdocs calls `on_files` before it reads the pages. Nothing that is generated is committed, so no
page can be older than the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from codeexec.cli.command_table import PROGRAM
from codeexec.cli.group import OPEN, cli
from codeexec.config.keys import keys
from codeexec.tui.commands import table as commands

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/codeexec-tui/codeexec-tui/blob/main/"
TOP_LEVEL = {
    "contributing.md": "CONTRIBUTING.md",
    "architecture.md": "ARCHITECTURE.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to those in `docs/`."""
    pages = {
        "reference/commands.md": "\n".join(_commands()),
        "reference/settings.md": "\n".join(_settings()),
        "reference/keys.md": "\n".join(_keys()),
    }
    for page, source in TOP_LEVEL.items():
        pages[page] = _with_links((ROOT / source).read_text(encoding="utf-8"))
    for page, text in pages.items():
        files.append(File.generated(config, page, content=text))
    for picture in sorted((ROOT / "screenshots").glob("*.png")):
        target = f"screenshots/{picture.name}"
        files.append(File.generated(config, target, abs_src_path=str(picture)))
    return files


def _with_links(text: str) -> str:
    """Links from the top level of the repository, as links of the site or of the repository."""
    pages = {source: page for page, source in TOP_LEVEL.items()}

    def replace(link: re.Match[str]) -> str:
        label, target = link.group(1), link.group(2)
        if target.startswith(("http", "#")):
            return link.group(0)
        if target.startswith("docs/"):
            return f"[{label}]({target.removeprefix('docs/')})"
        return f"[{label}]({pages.get(target) or REPOSITORY + target})"

    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", replace, text)


def _commands() -> Iterator[str]:
    context = click.Context(cli, info_name=PROGRAM)
    yield "# Commands"
    yield ""
    yield "Generated from the commands themselves. `man codeexec-tui` has the same text."
    opening = cli.get_command(context, OPEN)
    if opening is not None:
        yield from _command(opening, context, PROGRAM)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        if command is not None:
            yield from _command(command, context, f"{PROGRAM} {name}")


def _command(command: click.Command, above: click.Context, title: str) -> Iterator[str]:
    context = click.Context(command, info_name=title, parent=None)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ("", f"## {title}", "", "```text", f"{title} {usage}", "```", "")
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        lines = paragraph.split("\n")
        if lines[0].strip() == "\b":
            yield from ("```text", *lines[1:], "```", "")
        else:
            yield from (" ".join(line.strip() for line in lines), "")
    rows = [
        record
        for parameter in command.get_params(context)
        if not isinstance(parameter, click.Argument)
        and (record := parameter.get_help_record(context)) is not None
    ]
    if rows:
        yield from ("| option | meaning |", "|---|---|")
        yield from (f"| `{_cell(option)}` | {_cell(meaning)} |" for option, meaning in rows)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _command(below, above, f"{title} {name}")


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "Generated from the settings themselves. `codeexec-tui config show` adds the value of"
    yield "each one and the layer that set it."
    table = ""
    for key in keys():
        section, _, name = key.name.partition(".")
        if section != table:
            yield from ("", f"## [{section}]", "")
            table = section
        yield f"`{name}`"
        yield f":   {' '.join(key.doc.split())}  "
        yield f"    Accepts {key.accepts}. Environment: `{key.variable}`."
        yield ""


def _keys() -> Iterator[str]:
    yield "# Keys"
    yield ""
    yield "Generated from the table of commands. F1 shows the keys that work where the focus is."
    for where in dict.fromkeys(command.where for command in commands.COMMANDS):
        rows = [command for command in commands.of(where) if command.keys]
        if rows:
            yield from ("", f"## {commands.scope_title(where)}", "")
            yield from ("| key | command |", "|---|---|")
            for command in rows:
                shown = ", ".join(f"`{_cell(key)}`" for key in command.keys.split(","))
                yield f"| {shown} | {_cell(command.title)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
