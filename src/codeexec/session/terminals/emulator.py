"""Interface of terminal emulators, what all of them do to rows, and the choice of one."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import NamedTuple, Protocol

from msgspec import Struct, field

from codeexec.domain.errors import Unavailable
from codeexec.domain.terminals import AnyInput, Cursor, Span, TerminalModes, TerminalRow
from codeexec.environments.base import TerminalSize

WINDOW = 4 << 20
"""Bytes of rows above the screen that an emulator holds, to reflow and to count them."""
MARK = 7733
"""Number of the OSC sequence that only our shell integration sends."""
MOST_MARK = 1 << 16
MOST_LINK = 2048
"""Length of the address of a link; longer ones are left out."""


class Mark(Struct, frozen=True):
    """An OSC sequence of our shell integration, with the place of the cursor when it came. Rows
    count from the first one that the terminal has shown."""

    text: str
    row: int
    column: int = 0


class ProgramPicture(NamedTuple):
    """A picture of a program. `png` makes its file; it blocks, and raises ValueError where the
    picture is damaged."""

    key: str
    width: int
    height: int
    png: Callable[[], bytes]


class Effects(Struct):
    """What the bytes that were fed have caused beside the screen."""

    replies: list[bytes] = field(default_factory=list)
    """Answers to the program's questions, to be typed in this order."""
    bells: int = 0
    marks: list[Mark] = field(default_factory=list)
    pictures: list[ProgramPicture] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    """Texts that the program puts on the clipboard."""


class ScreenState(Struct, frozen=True):
    """What a screen has beside its rows. `folder` is the address or path that the program gave,
    as it is."""

    size: TerminalSize
    cursor: Cursor
    modes: TerminalModes
    title: str
    folder: str
    is_held: bool
    """The program draws a frame and has asked to show nothing of it yet."""


class Emulator(Protocol):
    """One terminal. Not for two threads at a time. What is fed changes the screen; `history` counts
    the rows that have scrolled off its top, `first` the oldest of them that was not cleared."""

    @property
    def history(self) -> int: ...

    @property
    def first(self) -> int: ...

    def feed(self, data: bytes) -> Effects:
        """Never fails, whatever the bytes are."""

    def resize(self, size: TerminalSize) -> None: ...

    def state(self) -> ScreenState: ...

    def changed_rows(self) -> dict[int, TerminalRow]:
        """The rows of the screen that may have changed since the last call, by number."""

    def scrolled(self, count: int) -> list[TerminalRow]:
        """The last `count` rows that have scrolled off, as far as they are held."""

    def encode(self, item: AnyInput) -> bytes:
        """What is typed for this input in the modes of the program."""

    def save(self) -> bytes:
        """All of it, for `restore` of the same kind of emulator."""

    def close(self) -> None: ...


class EmulatorKind(Protocol):
    """Makes emulators. `name` is in logs: only the same kind restores what was saved. `notice` is
    for the user of the first terminal; empty for none."""

    name: str
    notice: str

    def make(self, size: TerminalSize) -> Emulator: ...

    def restore(self, saved: bytes) -> Emulator:
        """ValueError when it cannot be read."""


def emulator_kind() -> EmulatorKind:
    """The one that loads here: libghostty, else bittty, which is slow. Unavailable when there is
    none. The variable CODEEXEC_EMULATOR=bittty has that chosen."""
    is_asked_for = os.environ.get("CODEEXEC_EMULATOR") == "bittty"
    if not is_asked_for and importlib.util.find_spec("pyghostty") is not None:
        try:
            from codeexec.session.terminals.ghostty import GHOSTTY
        except OSError:
            pass  # its library is not for this system
        else:
            return GHOSTTY
    if importlib.util.find_spec("bittty") is not None:
        from codeexec.session.terminals.fallback.emulator import BITTTY

        return BITTTY
    raise Unavailable(
        "There is no terminal emulator for this system.",
        "Install one: pip install bittty==0.3.0",
    )


def trimmed(spans: list[Span]) -> tuple[Span, ...]:
    """Without blanks of the default style at the end."""
    while spans and spans[-1].style is None:
        text = spans[-1].text.rstrip(" ")
        if text:
            spans[-1] = Span(text, spans[-1].cells - (len(spans[-1].text) - len(text)))
            break
        spans.pop()
    return tuple(spans)


def shown_character(point: int) -> str:
    """The character of a code point; a control character or half of a surrogate pair is not
    shown."""
    if point == 0:
        return " "
    if point < 0x20 or 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000 or point > 0x10FFFF:
        return "\ufffd"
    return chr(point)
