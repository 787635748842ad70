"""`codeexec-tui terminal`: lists, opens, joins, attaches to and closes terminals of a session."""

from __future__ import annotations

import sys

import click
import msgspec

from codeexec.cli import messages as style
from codeexec.cli.completion_names import complete_open_session
from codeexec.cli.options import SERVER
from codeexec.cli.servers.local import ask_session, find_open_session, use_server
from codeexec.domain.errors import Conflict, NotFound
from codeexec.domain.requests import (
    CloseTerminal,
    ListJoinableTerminals,
    ListTerminals,
    OpenTerminal,
)
from codeexec.domain.terminals import TerminalView
from codeexec.domain.text.printable import printable

JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")
SESSION = click.argument("session", shell_complete=complete_open_session)


@click.group()
def terminal() -> None:
    """List, open, join, attach and close terminals of the running session SESSION.

    TERMINAL is its number in the list, its name, or the beginning of its id.
    """


def _use(server: str) -> None:
    if server:
        from codeexec.cli.servers.remote import named_target

        use_server(named_target(server).address)


def _terminals(session_id: str) -> tuple[TerminalView, ...]:
    return ask_session(session_id, ListTerminals()).terminals


def find_terminal(terminals: tuple[TerminalView, ...], name: str) -> TerminalView:
    """The terminal with this number, name, or beginning of its id. NotFound, Conflict."""
    if name.isascii() and name.isdigit() and 0 < int(name) <= len(terminals):
        return terminals[int(name) - 1]
    matches = [each for each in terminals if name in (each.name, each.terminal_id)]
    matches = matches or [each for each in terminals if each.terminal_id.startswith(name)]
    if not matches or not name:
        raise NotFound(
            f"There is no terminal {name!r} in this session.",
            "`codeexec-tui terminal list SESSION` lists its terminals.",
        )
    if len(matches) > 1:
        raise Conflict(f"{name!r} names {len(matches)} terminals.", "Name one by its number.")
    return matches[0]


@terminal.command("list")
@SESSION
@SERVER
@JSON
def list_command(session: str, server: str, as_json: bool) -> None:
    """List the terminals of a session."""
    _use(server)
    terminals = _terminals(find_open_session(session).session_id)
    if as_json:
        for view in terminals:
            style.say_json(msgspec.json.encode(view))
        return
    if not terminals:
        style.say(f"No terminals. `codeexec-tui terminal open {session}` opens one.")
        return
    rows = [
        (
            str(number),
            printable(view.name or " ".join(view.command)),
            _state(view),
            str(view.pid or "-"),
            f"{view.columns}x{view.rows}",
            printable(view.folder) or "-",
            view.terminal_id,
        )
        for number, view in enumerate(terminals, 1)
    ]
    head = ("NUMBER", "NAME", "STATE", "PID", "SIZE", "FOLDER", "ID")
    style.say_lines(style.table(rows, head, style.wants_color(sys.stdout)))


def _state(view: TerminalView) -> str:
    if view.state != "exited":
        return view.state
    return f"exited {view.exit_code}" if view.exit_code is not None else "exited"


@terminal.command("open")
@SESSION
@click.argument("command", nargs=-1)
@click.option("--folder", default="", help="Where it starts; default: the session's folder.")
@click.option("--name", default="", help="Its name in lists and tabs.")
@SERVER
@JSON
def open_command(
    session: str, command: tuple[str, ...], folder: str, name: str, server: str, as_json: bool
) -> None:
    """Open a terminal with COMMAND (after `--`), or your shell; it runs on without a client."""
    _use(server)
    session_id = find_open_session(session).session_id
    request = OpenTerminal(argv=command, folder=folder, name=name)
    view = ask_session(session_id, request).terminal
    if as_json:
        style.say_json(msgspec.json.encode(view))
    else:
        style.say(view.terminal_id)


@terminal.command()
@SESSION
@click.argument("server_terminal", metavar="[NAME]", default="")
@SERVER
@JSON
def join(session: str, server_terminal: str, server: str, as_json: bool) -> None:
    """Join the terminal NAME that another client opened on the session's Jupyter server.

    Closed in the session, it goes on at the server. Without NAME those that there are are listed.
    """
    _use(server)
    session_id = find_open_session(session).session_id
    if server_terminal:
        view = ask_session(session_id, OpenTerminal(join=server_terminal)).terminal
        style.say_json(msgspec.json.encode(view)) if as_json else style.say(view.terminal_id)
        return
    terminals = ask_session(session_id, ListJoinableTerminals()).terminals
    if as_json:
        for listed in terminals:
            style.say_json(msgspec.json.encode(listed))
        return
    if not terminals:
        style.say("Nobody else has a terminal on the server.")
        return
    rows = [
        (listed.name, listed.last_activity or "-", listed.terminal_id or "-")
        for listed in terminals
    ]
    head = ("NAME", "LAST OUTPUT", "JOINED AS")
    style.say_lines(style.table(rows, head, style.wants_color(sys.stdout)))


@terminal.command()
@SESSION
@click.argument("terminal_name", metavar="[TERMINAL]", default="")
@SERVER
def attach(session: str, terminal_name: str, server: str) -> int:
    """Show a terminal alone on the screen of a workbench; default: the last one opened."""
    from codeexec.cli.launch import open_workbench
    from codeexec.tui.options import OpenOptions

    target = None
    if server:
        from codeexec.cli.servers.remote import named_target

        target = named_target(server)
        use_server(target.address)
    summary = find_open_session(session)
    terminals = _terminals(summary.session_id)
    if not terminals:
        raise NotFound(
            "This session has no terminal.", f"`codeexec-tui terminal open {session}` opens one."
        )
    view = find_terminal(terminals, terminal_name) if terminal_name else terminals[-1]
    options = OpenOptions(
        session=summary.session_id, attach=True, server=target, terminal=view.terminal_id
    )
    return open_workbench(options)


@terminal.command()
@SESSION
@click.argument("terminal_names", metavar="TERMINAL...", nargs=-1, required=True)
@SERVER
@JSON
def close(session: str, terminal_names: tuple[str, ...], server: str, as_json: bool) -> None:
    """End what runs in terminals, and remove them from the session."""
    _use(server)
    session_id = find_open_session(session).session_id
    terminals = _terminals(session_id)
    for view in [find_terminal(terminals, name) for name in terminal_names]:
        ask_session(session_id, CloseTerminal(view.terminal_id))
        if as_json:
            style.say_json(msgspec.json.encode(view))
        else:
            style.say(f"Closed {view.terminal_id}.")
