"""Events of terminals, and their fold into the views of a snapshot."""

from __future__ import annotations

from msgspec.structs import replace

from codeexec.domain.events.base import Event
from codeexec.domain.terminals import TerminalCommand, TerminalView, with_command


class TerminalEvent(Event, frozen=True):
    """Base of the events of terminals."""


class TerminalOpened(TerminalEvent, frozen=True):
    """A terminal was opened, or its command was started again."""

    terminal: TerminalView


class TerminalResized(TerminalEvent, frozen=True):
    """See `TerminalView.size_owner`."""

    terminal_id: str
    columns: int
    rows: int
    size_owner: str = ""


class TerminalTitled(TerminalEvent, frozen=True):
    """The program has set the title, at most twice a second; control characters are removed."""

    terminal_id: str
    title: str


class TerminalRang(TerminalEvent, frozen=True):
    """The bell; at most twice a second. `bells` counts all."""

    terminal_id: str
    bells: int


class TerminalFolderChanged(TerminalEvent, frozen=True):
    """The working folder of the shell, as it reports it."""

    terminal_id: str
    folder: str


class TerminalCommandStarted(TerminalEvent, frozen=True):
    """A command line has begun, told by the shell's integration."""

    terminal_id: str
    command: TerminalCommand


class TerminalCommandEnded(TerminalEvent, frozen=True):
    """The same command, with its end."""

    terminal_id: str
    command: TerminalCommand


class TerminalExited(TerminalEvent, frozen=True):
    """The program has ended; `exit_code` is 128 + the number of the signal that ended it. None: it
    is not known, as `reason` says."""

    terminal_id: str
    exit_code: int | None = None
    reason: str = ""


class TerminalClosed(TerminalEvent, frozen=True):
    """The session has this terminal no more."""

    terminal_id: str


AnyTerminalEvent = (
    TerminalOpened
    | TerminalResized
    | TerminalTitled
    | TerminalRang
    | TerminalFolderChanged
    | TerminalCommandStarted
    | TerminalCommandEnded
    | TerminalExited
    | TerminalClosed
)


def fold_terminal(
    terminals: dict[str, TerminalView], event: AnyTerminalEvent, at: float
) -> dict[str, TerminalView]:
    """The terminals of a session after an event."""
    if isinstance(event, TerminalOpened):
        return {**terminals, event.terminal.terminal_id: event.terminal}
    view = terminals.get(event.terminal_id)
    if view is None:
        return terminals
    if isinstance(event, TerminalClosed):
        return {name: each for name, each in terminals.items() if name != event.terminal_id}
    return {**terminals, event.terminal_id: _changed(view, event, at)}


def _changed(view: TerminalView, event: AnyTerminalEvent, at: float) -> TerminalView:
    match event:
        case TerminalResized():
            return replace(
                view, columns=event.columns, rows=event.rows, size_owner=event.size_owner
            )
        case TerminalTitled():
            return replace(view, title=event.title)
        case TerminalRang():
            return replace(view, bells=event.bells)
        case TerminalFolderChanged():
            return replace(view, folder=event.folder)
        case TerminalCommandStarted() | TerminalCommandEnded():
            return with_command(view, event.command)
        case TerminalExited():
            state = "exited" if event.exit_code is not None else "lost"
            return replace(view, state=state, exit_code=event.exit_code, ended_at=at, pid=None)
        case _:
            return view
