"""Terminal emulator of bittty: for systems for which pyghostty has no wheel.

It reads about 1 to 5 MB/s where libghostty reads 100, so a program that writes more waits; clients
get the newest screen all the same.
"""

from __future__ import annotations

import json
import zlib
from collections import deque
from typing import TYPE_CHECKING, Any

from bittty.devices.modes import MouseEncoding, MouseProtocol
from bittty.keyboard import KeyEvent, KeyModifiers
from bittty.style import style_to_ansi

from codeexec.domain.terminals import (
    AnyInput,
    Cursor,
    FocusChanged,
    KeyPress,
    MouseAction,
    MouseMode,
    Pasted,
    TerminalModes,
    TerminalRow,
    Typed,
)
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import Effects, Mark, ScreenState
from codeexec.session.terminals.fallback.board import TerminalBoard
from codeexec.session.terminals.fallback.rows import row_of

if TYPE_CHECKING:
    from bittty.video import Line, Video

HELD_ROWS = 2000
"""Rows above the screen that are held; `_PIECE` bytes scroll off fewer."""
_PIECE = 1000
_MOST_STRING = 1 << 20
"""Characters of an unfinished escape sequence; a longer one is dropped."""
_FAULTS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What the library raised, or may raise, for sequences that no program sends on purpose."""
_MOUSE: dict[MouseProtocol, MouseMode] = {
    MouseProtocol.X10: "press",
    MouseProtocol.NORMAL: "click",
    MouseProtocol.BUTTON: "drag",
    MouseProtocol.ANY: "move",
}
_MOUSE_NUMBERS = {
    MouseProtocol.X10: 9,
    MouseProtocol.NORMAL: 1000,
    MouseProtocol.BUTTON: 1002,
    MouseProtocol.ANY: 1003,
}
_ENCODINGS = {MouseEncoding.UTF8: 1005, MouseEncoding.SGR: 1006, MouseEncoding.URXVT: 1015}
_MODES = (
    ("cursor_application_mode", 1),
    ("auto_wrap", 7),
    ("cursor_visible", 25),
    ("focus_reporting", 1004),
    ("bracketed_paste", 2004),
)
_BUTTONS = {
    "left": 0,
    "middle": 1,
    "right": 2,
    "wheel_up": 64,
    "wheel_down": 65,
    "wheel_left": 66,
    "wheel_right": 67,
}
_NAMED = {
    *("enter", "tab", "backspace", "escape", "up", "down", "left", "right"),
    *("home", "end", "page_up", "page_down", "insert", "delete"),
} | {f"f{number}" for number in range(1, 26)}


class BitttyEmulator:
    """See `Emulator`."""

    def __init__(self, size: TerminalSize) -> None:
        self.history = 0
        self.first = 0
        self._size = size
        self._held: deque[TerminalRow] = deque(maxlen=HELD_ROWS)
        self._marks: list[Mark] = []
        self._board = TerminalBoard(
            size.columns, size.rows, self._take_rows, self._note_cleared, self._note_mark
        )
        self._page: Any = None
        """The page that was read last, up to its generation `_seen`."""
        self._seen = 0

    # -- bytes ------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> Effects:
        effects = self._board.effects = Effects()
        self._marks = effects.marks
        for start in range(0, len(data), _PIECE):
            self._feed_piece(data[start : start + _PIECE])
        return effects

    def _feed_piece(self, piece: bytes) -> None:
        parser = self._board.parser
        try:
            self._board.feed_host_data(piece)
        except _FAULTS:
            self._abort()
        if len(parser.buffer) > _MOST_STRING:
            self._abort()
        if (self._board.width, self._board.height) != (self._size.columns, self._size.rows):
            self.resize(self._size)  # a program may not choose the size

    def _abort(self) -> None:
        """Drop the sequence that is being read."""
        parser = self._board.parser
        parser.buffer, parser.pos, parser.mode = "", 0, None

    def _take_rows(self, lines: tuple[Line, ...]) -> None:
        self.history += len(lines)
        self._held.extend(row_of(line.cells, line.wrapped) for line in lines)

    def _note_cleared(self) -> None:
        self._held.clear()
        self.first = self.history

    def _note_mark(self, text: str) -> None:
        cursor = self._board.cursor
        self._marks.append(Mark(text, self.history + cursor.y, cursor.display_x))

    def resize(self, size: TerminalSize) -> None:
        self._size = size
        self._board.resize_from_frontend(size.columns, size.rows)
        self._page = None

    # -- the screen -------------------------------------------------------------------------------

    def state(self) -> ScreenState:
        modes, cursor = self._board.modes, self._board.cursor
        return ScreenState(
            self._size,
            Cursor(
                min(cursor.display_x, self._size.columns - 1),
                min(cursor.y, self._size.rows - 1),
                bool(modes.cursor_visible),
                cursor.shape,
                bool(modes.cursor_blinking),
            ),
            TerminalModes(
                is_alternate=self._board.blitter.in_alt_screen,
                mouse=_MOUSE.get(self._board.mouse.protocol, ""),
                is_bracketed_paste=bool(modes.bracketed_paste),
                is_application_cursor=bool(modes.cursor_application_mode),
                reports_focus=bool(modes.focus_reporting),
                keyboard=self._board.keyboard.kitty_flags,
            ),
            self._board.title.title,
            self._board.console.cwd,
            bool(modes.synchronized_output),
        )

    def changed_rows(self) -> dict[int, TerminalRow]:
        page = self._board.blitter.main_page
        numbers = range(page.height) if page is not self._page else page.dirty_rows(self._seen)
        self._page, self._seen = page, page.observe()
        return {number: row_of(page.grid[number], page.wrapped_lines[number]) for number in numbers}

    def scrolled(self, count: int) -> list[TerminalRow]:
        if self._board.blitter.in_alt_screen or count <= 0:
            return []
        return list(self._held)[-count:]

    # -- input ------------------------------------------------------------------------------------

    def encode(self, item: AnyInput) -> bytes:
        effects, self._board.effects = self._board.effects, Effects()
        try:
            self._type(item)
            return b"".join(self._board.effects.replies)
        finally:
            self._board.effects = effects

    def _type(self, item: AnyInput) -> None:
        board = self._board
        match item:
            case Typed():
                board.line.write(item.text)
            case Pasted():
                text = item.text.replace("\r\n", "\r").replace("\n", "\r")
                board.input_paste("".join(c if c in "\t\r" or c >= " " else " " for c in text))
            case FocusChanged():
                board.set_focus(item.is_focused)
            case MouseAction():
                flags = (("shift", item.shift), ("meta", item.alt), ("ctrl", item.ctrl))
                modifiers = {name for name, is_pressed in flags if is_pressed}
                place = item.column + 1, item.row + 1, _BUTTONS.get(item.button, 3)
                board.input_mouse(*place, item.action, modifiers)
            case KeyPress():
                self._press(item)

    def _press(self, press: KeyPress) -> None:
        key = " " if press.key == "space" else press.key
        if len(key) > 1 and key not in _NAMED:
            return
        modifiers = KeyModifiers.NONE
        for modifier, is_pressed in (
            (KeyModifiers.SHIFT, press.shift),
            (KeyModifiers.ALT, press.alt),
            (KeyModifiers.CTRL, press.ctrl),
            (KeyModifiers.SUPER, press.super),
        ):
            modifiers |= modifier if is_pressed else KeyModifiers.NONE
        text = press.text if press.text.isprintable() else ""
        if not text and len(key) == 1:
            text = key.upper() if press.shift else key
        event = KeyEvent(key, modifiers, press.action, text or None)
        self._board.input_key_event(event)

    # -- saved states -----------------------------------------------------------------------------

    def save(self) -> bytes:
        board = self._board
        pages = [_saved_page(board.blitter.primary_page)]
        if board.blitter.in_alt_screen:
            pages.append(_saved_page(board.blitter.alt_page))
        decoder = board.printer._decoder
        content = {
            "columns": self._size.columns,
            "rows": self._size.rows,
            "history": self.history,
            "first": self.first,
            "pages": pages,
            "saved": [board.cursor.saved[False].x, board.cursor.saved[False].y],
            "after": self._after(),
            "bytes": decoder.getstate()[0].decode("latin-1"),
            "folder": board.console.cwd,
        }
        data = json.dumps(content).encode()
        return zlib.crc32(data).to_bytes(4, "big") + data

    def _after(self) -> str:
        """Sequences that bring cursor, modes, title and the unfinished sequence back."""
        board, cursor = self._board, self._board.cursor
        blitter, mouse = board.blitter, board.mouse
        title = "".join(c for c in board.title.title if c.isprintable())
        parts = [
            f"\x1b]2;{title}\x07",
            f"\x1b[{blitter.scroll_top + 1};{blitter.scroll_bottom + 1}r",
        ]
        parts += [
            f"\x1b[?{number}{'h' if getattr(board.modes, name) else 'l'}" for name, number in _MODES
        ]
        for number in (_MOUSE_NUMBERS.get(mouse.protocol), _ENCODINGS.get(mouse.encoding)):
            parts += [f"\x1b[?{number}h"] if number else []
        parts += [f"\x1b[={board.keyboard.kitty_flags}u"] if board.keyboard.kitty_flags else []
        parts += [
            f"\x1b[{cursor.y + 1};{cursor.display_x + 1}H",
            style_to_ansi(board.style.current),
        ]
        return "".join(parts) + str(board.parser.buffer[board.parser.pos :])

    def restore(self, saved: bytes) -> None:
        """Take what `save` of another one gave. ValueError when it cannot be read."""
        content = json.loads(saved)
        column, row = content["saved"]
        for number, (lines, wrapped) in enumerate(content["pages"]):
            if number:
                self.feed(b"\x1b[?1049h")  # saves the cursor, where it is to go back to
            for place, line in enumerate(lines, 1):
                self.feed(f"\x1b[{place};1H\x1b[m{line}\x1b[m".encode("utf-8", "replace"))
            self._board.blitter.main_page.wrapped_lines[:] = wrapped
            self.feed(b"\x1b[%d;%dH\x1b7" % (row + 1, column + 1))
        self._board.console.cwd = content["folder"]
        self.feed(content["after"].encode("utf-8", "replace"))
        self.feed(content["bytes"].encode("latin-1"))
        self._held.clear()
        self.history, self.first = content["history"], content["first"]
        self._page = None

    def close(self) -> None:
        self._held.clear()


def _saved_page(page: Video) -> tuple[list[str], list[bool]]:
    return [page.get_line(row, width=page.width) for row in range(page.height)], page.wrapped_lines


class BitttyKind:
    """See `EmulatorKind`."""

    name = "bittty 0.3.0"
    notice = (
        "Terminals are slow here: this system has no pyghostty, and bittty takes its place. "
        "Programs that write much wait for it."
    )

    def make(self, size: TerminalSize) -> BitttyEmulator:
        return BitttyEmulator(size)

    def restore(self, saved: bytes) -> BitttyEmulator:
        check, data = saved[:4], saved[4:]
        if len(saved) < 6 or zlib.crc32(data).to_bytes(4, "big") != check:
            raise ValueError("this state of a terminal is cut short or damaged")
        content = json.loads(data)
        emulator = BitttyEmulator(TerminalSize(content["columns"], content["rows"]))
        emulator.restore(data)
        return emulator


BITTTY = BitttyKind()
