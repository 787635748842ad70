"""Terminals as values: the view of one, its screen as rows of cells, and what is typed into it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

TerminalState = Literal["running", "exited", "lost"]
"""`lost`: it ended, and how is not known."""

KEPT_COMMANDS = 200
"""Commands that the view of a terminal holds, the last ones."""

BOLD, DIM, ITALIC, BLINK, REVERSE, HIDDEN, STRIKE, OVERLINE = (1 << bit for bit in range(8))
"""Bits of `CellStyle.flags`."""

DEFAULT_COLOR = -1
RGB = 1 << 24
"""Added to 0xRRGGBB in a colour of 24 bits; smaller numbers are those of the palette, 0 to 255."""

MouseMode = Literal["", "press", "click", "drag", "move"]
"""The events of the mouse that a program wants; ``: none."""

Underline = Literal[0, 1, 2, 3, 4, 5]
"""None, single, double, curly, dotted, dashed."""


class CellStyle(Struct, frozen=True, array_like=True):
    """How cells look. Colours: `DEFAULT_COLOR`, 0 to 255, or `RGB` + 0xRRGGBB. `link` is the
    address of a hyperlink."""

    foreground: int = DEFAULT_COLOR
    background: int = DEFAULT_COLOR
    flags: int = 0
    underline: Underline = 0
    underline_color: int = DEFAULT_COLOR
    link: str = ""


class Span(Struct, frozen=True, array_like=True):
    """Text of one style. It covers `cells` columns, whatever a library says of its width.
    `style` None is the default style."""

    text: str
    cells: int
    style: CellStyle | None = None


class TerminalRow(Struct, frozen=True, array_like=True):
    """A row from its first column on; blank cells of the default style at its end are left out.
    `is_wrapped`: its text goes on in the next row without a newline."""

    spans: tuple[Span, ...] = ()
    is_wrapped: bool = False

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


EMPTY_ROW = TerminalRow()

_LEVELS = (0, 95, 135, 175, 215, 255)
"""Of a part of a colour in the cube of the palette."""

_PICTURE = re.compile(r"codeexec-picture:([0-9a-f]{16})/(\d{1,3})/(\d{1,3})/(\d{1,3})")


def palette_rgb(number: int) -> int:
    """Colours 16 to 255 of xterm as 0xRRGGBB: a cube of 6x6x6 and 24 greys."""
    if number >= 232:
        grey = 8 + (number - 232) * 10
        return grey << 16 | grey << 8 | grey
    red, offset = divmod(number - 16, 36)
    green, blue = divmod(offset, 6)
    return _LEVELS[red] << 16 | _LEVELS[green] << 8 | _LEVELS[blue]


class PicturePart(NamedTuple):
    """A row of a picture of a program, which begins at a cell with its link. `columns` and `rows`
    are those of the whole picture, `row` counts from 0."""

    key: str
    row: int
    columns: int
    rows: int

    @property
    def artifact_id(self) -> str:
        return picture_id(self.key)


def picture_id(key: str) -> str:
    """The id of the artifact of a picture."""
    return f"picture-{key}"


def picture_link(part: PicturePart) -> str:
    """The address of the link of a cell at which a row of a picture begins."""
    return f"codeexec-picture:{part.key}/{part.row}/{part.columns}/{part.rows}"


def picture_part(link: str) -> PicturePart | None:
    """The row of a picture that a link stands for; None for any other link."""
    match = _PICTURE.fullmatch(link)
    if match is None:
        return None
    return PicturePart(match[1], int(match[2]), int(match[3]), int(match[4]))


class Cursor(Struct, frozen=True, omit_defaults=True):
    """Column and row count from 0 at the top left cell of the screen."""

    column: int = 0
    row: int = 0
    is_visible: bool = True
    shape: Literal["block", "underline", "bar"] = "block"
    is_blinking: bool = False


class TerminalModes(Struct, frozen=True, omit_defaults=True):
    """What the program has asked for. `keyboard` are the flags of kitty's protocol."""

    is_alternate: bool = False
    mouse: MouseMode = ""
    is_bracketed_paste: bool = False
    is_application_cursor: bool = False
    reports_focus: bool = False
    keyboard: int = 0


class ScreenUpdate(Struct, frozen=True, omit_defaults=True):
    """What has changed on a screen since the update before. `is_whole`: all rows that are not
    in `changed` are empty. `history` counts the rows that have scrolled off its top, so its first
    row has that number; rows before number `first` are no longer kept. `bells` counts the bells
    of this terminal. `copied` is what the program has put on the clipboard since."""

    columns: int
    rows: int
    changed: tuple[tuple[int, TerminalRow], ...] = ()
    is_whole: bool = False
    cursor: Cursor = Cursor()
    modes: TerminalModes = TerminalModes()
    history: int = 0
    first: int = 0
    title: str = ""
    folder: str = ""
    bells: int = 0
    copied: str = ""


class TerminalScreen(Struct, frozen=True):
    """A whole screen. `changed` are the numbers of the rows that differ from the screen before."""

    columns: int = 0
    rows: tuple[TerminalRow, ...] = ()
    changed: frozenset[int] = frozenset()
    cursor: Cursor = Cursor()
    modes: TerminalModes = TerminalModes()
    history: int = 0
    first: int = 0
    title: str = ""
    folder: str = ""
    bells: int = 0
    copied: str = ""

    @property
    def text(self) -> str:
        return "\n".join(row.text for row in self.rows)


def apply_update(screen: TerminalScreen, update: ScreenUpdate) -> TerminalScreen:
    """The screen after an update."""
    is_resized = update.rows != len(screen.rows) or update.columns != screen.columns
    if update.is_whole:
        rows = [EMPTY_ROW] * update.rows
    else:
        missing = [EMPTY_ROW] * (update.rows - len(screen.rows))
        rows = [*screen.rows[: update.rows], *missing]
    for number, row in update.changed:
        if number < len(rows):
            rows[number] = row
    all_changed = update.is_whole or is_resized
    changed = range(update.rows) if all_changed else (number for number, _ in update.changed)
    return TerminalScreen(
        columns=update.columns,
        rows=tuple(rows),
        changed=frozenset(changed),
        cursor=update.cursor,
        modes=update.modes,
        history=update.history,
        first=update.first,
        title=update.title,
        folder=update.folder,
        bells=update.bells,
        copied=update.copied,
    )


# -- what is typed -----------------------------------------------------------------


class TerminalInput(Struct, frozen=True, omit_defaults=True, tag_field="type"):
    """Base of what a person does with a terminal; it is encoded as the program asked for it."""


class KeyPress(TerminalInput, frozen=True, tag="key"):
    """A key. `key` is its name: a character (`a`, `é`), or `enter`, `tab`, `backspace`, `escape`,
    `space`, `up`, `down`, `left`, `right`, `home`, `end`, `page_up`, `page_down`, `insert`,
    `delete`, `f1` to `f25`. `text` is what it types where that is known (`A` of shift and a)."""

    key: str
    text: str = ""
    shift: bool = False
    alt: bool = False
    ctrl: bool = False
    super: bool = False
    action: Literal["press", "repeat", "release"] = "press"


class Typed(TerminalInput, frozen=True, tag="text"):
    """Text as if it was typed: nothing around it."""

    text: str


class Pasted(TerminalInput, frozen=True, tag="paste"):
    """Text from a clipboard: in brackets where the program asks for that; newlines become
    carriage returns, and no control character of it ends the brackets."""

    text: str


class MouseAction(TerminalInput, frozen=True, tag="mouse"):
    """The mouse over a cell; sent to the program as far as it asked for it (`TerminalModes`)."""

    action: Literal["press", "release", "move"]
    column: int
    row: int
    button: Literal[
        "", "left", "middle", "right", "wheel_up", "wheel_down", "wheel_left", "wheel_right"
    ] = ""
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


class FocusChanged(TerminalInput, frozen=True, tag="focus"):
    """The pane has got or lost the focus; told to programs that asked for it."""

    is_focused: bool


AnyInput = KeyPress | Typed | Pasted | MouseAction | FocusChanged


# -- the view of a terminal --------------------------------------------------------


class TerminalCommand(Struct, frozen=True, omit_defaults=True):
    """A command line of a shell with integration. `number` counts from 1. `row` is the row of its
    prompt, `output_row` the first row of its output, `end_row` the row behind its output (None:
    it runs). Rows count from 0 over all that the terminal has shown: see `ScreenUpdate.history`."""

    number: int
    text: str = ""
    row: int = 0
    output_row: int = 0
    end_row: int | None = None
    exit_code: int | None = None
    started_at: float = 0.0
    ended_at: float | None = None
    folder: str = ""


class TerminalView(Struct, frozen=True, omit_defaults=True):
    """A terminal of a session. `argv` is what was asked for: empty for the shell, whose command is
    in `command`. `place` is `local`, or the backend of the container (`docker`). `size_owner` is
    the client that has control of the size; empty: the smallest of all that show it.
    `has_integration`: commands are told. `joined` names a terminal that another client opened
    at the place: closed here, it goes on there."""

    terminal_id: str
    command: tuple[str, ...]
    argv: tuple[str, ...] = ()
    name: str = ""
    place: str = "local"
    pid: int | None = None
    columns: int = 80
    rows: int = 24
    state: TerminalState = "running"
    exit_code: int | None = None
    opened_at: float = 0.0
    ended_at: float | None = None
    title: str = ""
    folder: str = ""
    bells: int = 0
    size_owner: str = ""
    has_integration: bool = False
    joined: str = ""
    commands: tuple[TerminalCommand, ...] = ()

    @property
    def running(self) -> TerminalCommand | None:
        """The command line that runs now."""
        last = self.commands[-1] if self.commands else None
        return last if last is not None and last.end_row is None else None


class JoinableTerminal(Struct, frozen=True, omit_defaults=True):
    """A terminal that another client opened at the place of a session. `last_activity` is the time
    of its last output as the server writes it, empty: not known. `terminal_id` is that of the
    session's terminal that has joined it; empty: none has."""

    name: str
    last_activity: str = ""
    terminal_id: str = ""


def with_command(view: TerminalView, command: TerminalCommand) -> TerminalView:
    """The view with a command that has begun, or has changed."""
    others = tuple(each for each in view.commands if each.number != command.number)
    return replace(view, commands=(*others, command)[-KEPT_COMMANDS:])


def stream_of(terminal_id: str) -> str:
    """The byte stream of a session that carries the screen of this terminal: each chunk is one
    `ScreenUpdate` as JSON."""
    return f"{STREAM_PREFIX}{terminal_id}"


STREAM_PREFIX = "terminal:"
