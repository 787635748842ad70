"""`codeexec-tui plugins`: lists, loads, tests and unloads the plugins of a session."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_open_session
from codeexec.cli.exit_codes import FAILED, OK, of_error
from codeexec.cli.options import SERVER
from codeexec.cli.servers.local import ask_session, find_open_session, use_server
from codeexec.config.plugin_files import read_plugin, read_plugins
from codeexec.domain.errors import UsageError
from codeexec.domain.plugins import PLUGIN_TIMEOUT, PluginView
from codeexec.domain.requests import (
    ListPlugins,
    LoadPlugin,
    PluginAnswer,
    TestPlugin,
    UnloadPlugin,
)
from codeexec.domain.text.printable import printable

JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")
SESSION = click.argument("session", shell_complete=complete_open_session)
TIMEOUT = click.option(
    "--timeout", type=float, default=PLUGIN_TIMEOUT, help="Seconds that each may take."
)
NAMES = click.argument("names", metavar="NAME...", nargs=-1, required=True)


@click.group()
def plugins() -> None:
    """List, load, test and unload plugins of the running session SESSION.

    A plugin is a Python file that registers a class or a function with
    taskweaver.plugin.register_plugin. Code calls it by the name of its file.
    """


def _session_id(session: str, server: str) -> str:
    if server:
        from codeexec.cli.servers.remote import named_target

        use_server(named_target(server).address)
    return find_open_session(session).session_id


@plugins.command("list")
@SESSION
@SERVER
@JSON
def list_command(session: str, server: str, as_json: bool) -> None:
    """List the plugins of a session."""
    views = ask_session(_session_id(session, server), ListPlugins()).plugins
    if as_json:
        for view in views:
            style.say_json(msgspec.json.encode(view))
        return
    if not views:
        style.say(f"No plugins. `codeexec-tui plugins load {session} FILE` loads one.")
        return
    rows = [
        (view.name, view.state, view.kernel, printable(view.source) or "-", _last_line(view))
        for view in views
    ]
    head = ("NAME", "STATE", "KERNEL", "FROM", "MESSAGE")
    style.say_lines(style.table(rows, head, style.wants_color(sys.stdout)))


def _last_line(view: PluginView) -> str:
    lines = view.message.strip().split("\n")
    return "" if view.succeeded else printable(lines[-1])


@plugins.command("load")
@SESSION
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=Path)
@click.option("--name", default="", help="Its name in code; default: that of the file.")
@click.option(
    "--config",
    "settings",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting of the plugin; also in a file FILE.json beside it.",
)
@click.option("--kernel", default="", help="A kernel of the session; default: the default one.")
@TIMEOUT
@SERVER
@JSON
def load_command(
    session: str,
    paths: tuple[Path, ...],
    name: str,
    settings: tuple[str, ...],
    kernel: str,
    timeout: float,
    server: str,
    as_json: bool,
) -> int:
    """Load plugins from files, or from all Python files of a folder."""
    config = dict(map(_setting, settings))
    if name and (len(paths) > 1 or paths[0].is_dir()):
        raise UsageError("--name is for one file.", "Name one file, or leave --name out.")
    session_id = _session_id(session, server)
    found, problems = ([read_plugin(paths[0], name)], []) if name else read_plugins(paths)
    for problem in problems:
        style.show_error(problem, as_json)
    status = OK if not problems else of_error(problems[0])
    for plugin in found:
        request = LoadPlugin(
            plugin.name,
            plugin.text,
            {**plugin.config, **config},
            kernel=kernel,
            timeout=timeout,
            source=str(plugin.path.absolute()),
        )
        status = max(status, _say(ask_session(session_id, request), as_json))
    if not found and not problems:
        raise UsageError("There is no Python file in this folder.", "Name a file.")
    return status


def _setting(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not key or not sign:
        raise UsageError(f"{text!r} is no setting.", "Write --config KEY=VALUE.")
    return key, value


@plugins.command("test")
@SESSION
@NAMES
@TIMEOUT
@SERVER
@JSON
def test_command(
    session: str, names: tuple[str, ...], timeout: float, server: str, as_json: bool
) -> int:
    """Run the tests that plugins register."""
    session_id = _session_id(session, server)
    answers = [ask_session(session_id, TestPlugin(name, timeout)) for name in names]
    return max(_say(answer, as_json) for answer in answers)


@plugins.command("unload")
@SESSION
@NAMES
@TIMEOUT
@SERVER
@JSON
def unload_command(
    session: str, names: tuple[str, ...], timeout: float, server: str, as_json: bool
) -> int:
    """Remove plugins from their kernel and from the session."""
    session_id = _session_id(session, server)
    answers = [ask_session(session_id, UnloadPlugin(name, timeout)) for name in names]
    return max(_say(answer, as_json) for answer in answers)


def _say(answer: PluginAnswer, as_json: bool) -> int:
    """Print how a step ended; its exit code."""
    if as_json:
        style.say_json(msgspec.json.encode(answer))
    else:
        lines = [answer.message, *answer.messages]
        words = "\n".join(printable(line) for text in lines for line in text.split("\n"))
        text = f"{answer.name}: {words}"
        style.say(text, file=None if answer.is_success else sys.stderr)
    return OK if answer.is_success else FAILED
