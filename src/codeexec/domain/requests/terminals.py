"""Requests about the terminals of a session."""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct, field

from codeexec.domain.requests.base import Done, Reply, Request
from codeexec.domain.terminals import (
    AnyInput,
    JoinableTerminal,
    ScreenUpdate,
    TerminalRow,
    TerminalView,
)


class TerminalAnswer(Reply, frozen=True):
    """`seq` is the number of the last event by then."""

    terminal: TerminalView
    seq: int = 0


class OpenTerminal(Request[TerminalAnswer], frozen=True):
    """Open a terminal with the user's shell, or with the command `argv`.

    A client that chooses `terminal_id` may repeat the request: one terminal is opened. `folder` is
    a path of the session's place, relative to its folder; empty: that folder. `env` is added to
    the session's environment. `name` is shown in place of the command's. `shell` is another shell
    than the user's (`bash`, `zsh`, `fish`, a path). `join` starts nothing: it is the name of a
    terminal that another client opened there (`ListJoinableTerminals`), which goes on when it is
    closed here; NotFound where it is gone, Conflict where the session has joined it. Busy when the
    session has as many as it may; EnvironmentUnavailable when the command cannot be started."""

    Answer: ClassVar[type[Reply]] = TerminalAnswer
    terminal_id: str = ""
    argv: tuple[str, ...] = ()
    shell: str = ""
    folder: str = ""
    env: dict[str, str] = field(default_factory=dict)
    name: str = ""
    columns: int = 80
    rows: int = 24
    join: str = ""


class TerminalList(Reply, frozen=True):
    """In the order in which they were opened."""

    terminals: tuple[TerminalView, ...]


class ListTerminals(Request[TerminalList], frozen=True):
    """List the terminals of the session, also those whose program has ended."""

    Answer: ClassVar[type[Reply]] = TerminalList


class JoinableTerminals(Reply, frozen=True):
    """By name, as the server lists them."""

    terminals: tuple[JoinableTerminal, ...]


class ListJoinableTerminals(Request[JoinableTerminals], frozen=True):
    """List the terminals that others opened at the place of the session, which `OpenTerminal.join`
    names. EnvironmentUnavailable where the place is no Jupyter server, or has no terminals."""

    Answer: ClassVar[type[Reply]] = JoinableTerminals


class RestartTerminal(Request[TerminalAnswer], frozen=True):
    """Start the command of a terminal again, after it has ended, or join it again; its scrollback
    goes on."""

    Answer: ClassVar[type[Reply]] = TerminalAnswer
    terminal_id: str


class CloseTerminal(Request[Done], frozen=True):
    """End all that runs in a terminal, and remove it from the session with its scrollback. Nothing
    happens when there is none: the request may be repeated."""

    terminal_id: str


class TypeInTerminal(Request[Done], frozen=True):
    """Type, paste, use the mouse. `source` is an id that the client keeps (`client-…`), `number`
    counts its inputs to this terminal from 1: an input is applied once, however often it is
    sent. `number` 0 is always applied. Conflict when the program has ended."""

    terminal_id: str
    items: tuple[AnyInput, ...]
    source: str = ""
    number: int = 0


class ResizeTerminal(Request[Done], frozen=True):
    """The size in which the client `source` shows a terminal; 0 columns: it shows it no more. The
    terminal has the smallest size of all that show it, or that of the client that has taken
    control (`takes_control`) until that one shows it no more."""

    terminal_id: str
    columns: int
    rows: int
    source: str = ""
    takes_control: bool = False


class TerminalState(Reply, frozen=True):
    """A terminal, and its whole screen."""

    terminal: TerminalView
    screen: ScreenUpdate


class ReadTerminal(Request[TerminalState], frozen=True):
    """Read the screen of a terminal once; a client that shows it follows it by its stream."""

    Answer: ClassVar[type[Reply]] = TerminalState
    terminal_id: str


class TerminalRows(Reply, frozen=True):
    """Rows from number `start` on. `first` is the number of the oldest row that is kept, `total`
    counts all that there ever were with those of the screen."""

    start: int
    first: int
    total: int
    rows: tuple[TerminalRow, ...]


class ReadTerminalRows(Request[TerminalRows], frozen=True):
    """Read at most `count` rows (2,000 at most) of the scrollback and the screen. `start`
    before the oldest row is that row."""

    Answer: ClassVar[type[Reply]] = TerminalRows
    terminal_id: str
    start: int = 0
    count: int = 200


class TerminalMatch(Struct, frozen=True, omit_defaults=True):
    """A row that has the pattern; `column` is the first cell of the match."""

    row: int
    text: str
    column: int = 0


class TerminalMatches(Reply, frozen=True):
    """`is_complete` is false when the limit cut the search short."""

    matches: tuple[TerminalMatch, ...]
    is_complete: bool = True


class SearchTerminal(Request[TerminalMatches], frozen=True):
    """Search the rows of the scrollback and the screen by their text, oldest first."""

    Answer: ClassVar[type[Reply]] = TerminalMatches
    terminal_id: str
    pattern: str
    regex: bool = False
    ignore_case: bool = True
    start: int = 0
    limit: int = 1000


class RowText(Reply, frozen=True):
    """Text of rows, wrapped rows joined; `is_complete` is false where it was cut at 8 MB."""

    text: str
    is_complete: bool = True


class ReadTerminalText(Request[RowText], frozen=True):
    """Read rows from `start` to before `end` (0: to the last one with text) as text, or with
    colours as escape sequences (`ansi`): to copy, to export, or the output of one command."""

    Answer: ClassVar[type[Reply]] = RowText
    terminal_id: str
    start: int = 0
    end: int = 0
    format: Literal["text", "ansi"] = "text"
