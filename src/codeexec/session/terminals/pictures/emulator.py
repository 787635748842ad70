"""An emulator whose programs may send pictures, and text for the clipboard.

A picture becomes cells of the terminal: a label in its first row, and a cell with a link in each
further one, whose address says which part of which picture is there. So it scrolls, is written
over, saved and read again as text is, and clients paint it where they see the links.
"""

from __future__ import annotations

import hashlib
import re
import struct
from base64 import b64decode
from binascii import Error as Base64Error

import msgspec
from msgspec import Struct

from codeexec.domain.terminals import AnyInput, PicturePart, TerminalRow, picture_link
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import (
    Effects,
    Emulator,
    EmulatorKind,
    ProgramPicture,
    ScreenState,
)
from codeexec.session.terminals.pictures.kitty import (
    KittyGraphics,
    KittyState,
    PictureRef,
    Placement,
    kitty_png,
)
from codeexec.session.terminals.pictures.scanner import (
    ControlString,
    ControlStringScanner,
    ScannerState,
)
from codeexec.session.terminals.pictures.sixel import sixel_png, sixel_size

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels of a cell, as programs are told."""
MOST_ROWS = 200
MOST_PLACED = 2000
"""Rows of pictures that one piece of output may place; the pictures after them are not shown. A
few bytes place a picture of MOST_ROWS, so a flood of them would hold the terminal for minutes."""
MOST_CLIPBOARD = 64 * 1024
"""Bytes of text that a program may put on the clipboard at a time."""
_HEAD = struct.Struct(">I")
_ATTRIBUTES = re.compile(rb"\x1b\[\?6([2-5])((?:;\d+)*)c\Z")
_SIXEL = b"4"
_encoder = msgspec.json.Encoder()


class SavedStrings(Struct, frozen=True, omit_defaults=True):
    """What has been read and is not in the emulator."""

    scanner: ScannerState = ScannerState()
    kitty: KittyState = KittyState()


class PictureEmulator:
    """See `Emulator`; `emulator` handles all but pictures and the clipboard."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._scanner = ControlStringScanner()
        self._kitty = KittyGraphics()
        self._room = MOST_PLACED

    @property
    def history(self) -> int:
        return self._emulator.history

    @property
    def first(self) -> int:
        return self._emulator.first

    def feed(self, data: bytes) -> Effects:
        effects = Effects()
        self._room = MOST_PLACED
        for part in self._scanner.scan(data):
            if isinstance(part, bytes):
                _join(effects, self._emulator.feed(part))
            else:
                self._obey(part, effects)
        return effects

    def _obey(self, string: ControlString, effects: Effects) -> None:
        match string.kind:
            case "clipboard":
                if (text := _clipboard_text(string)) is not None:
                    effects.copied.append(text)
            case "sixel":
                self._show_sixel(string, effects)
            case "kitty":
                if not string.is_too_long:
                    self._obey_kitty(string.body, effects)

    def _show_sixel(self, string: ControlString, effects: Effects) -> None:
        body = string.body
        size = None if string.is_too_long else sixel_size(body)
        if size is None:
            _join(effects, self._emulator.feed(b"[a picture that is too large to be shown]\r\n"))
            return
        ref = PictureRef(hashlib.sha256(body).hexdigest()[:16], *size)
        effects.pictures.append(ProgramPicture(ref.key, *size, lambda: sixel_png(body, size)))
        self._place(Placement(ref), effects)

    def _obey_kitty(self, body: bytes, effects: Effects) -> None:
        answer = self._kitty.take(body)
        if answer.reply:
            effects.replies.append(answer.reply)
        if answer.sent is not None:
            ref, sent = answer.sent
            size = ref.width, ref.height
            effects.pictures.append(ProgramPicture(ref.key, *size, lambda: kitty_png(sent, size)))
        if answer.placement is not None:
            self._place(answer.placement, effects)

    def _place(self, placement: Placement, effects: Effects) -> None:
        """Write the cells of a picture from the cursor on."""
        if self._room <= 0:
            return
        state, ref = self._emulator.state(), placement.ref
        column, row = state.cursor.column, state.cursor.row
        columns, rows = _extent(placement, state.size.columns - column)
        shown = rows if placement.moves_cursor else min(rows, state.size.rows - row)
        shown = min(shown, self._room)
        self._room -= shown
        label = f"▣ picture {ref.width}×{ref.height}, see the artifacts"[:columns]
        down = b"\n" if placement.moves_cursor else b"\x1b[B"
        back = b"\x1b[%dG" % (column + 1)
        parts = []
        for number in range(shown):
            link = picture_link(PicturePart(ref.key, number, columns, rows))
            text = label if number == 0 else " "
            parts.append(f"\x1b]8;;{link}\x1b\\{text}\x1b]8;;\x1b\\".encode() + back)
        parts = [down.join(parts)]
        if not placement.moves_cursor and shown > 1:
            parts.append(b"\x1b[%dA" % (shown - 1))
        _join(effects, self._emulator.feed(b"".join(parts)))

    # -- as the emulator does it ----------------------------------------------------------

    def resize(self, size: TerminalSize) -> None:
        self._emulator.resize(size)

    def state(self) -> ScreenState:
        return self._emulator.state()

    def changed_rows(self) -> dict[int, TerminalRow]:
        return self._emulator.changed_rows()

    def scrolled(self, count: int) -> list[TerminalRow]:
        return self._emulator.scrolled(count)

    def encode(self, item: AnyInput) -> bytes:
        return self._emulator.encode(item)

    def save(self) -> bytes:
        saved = _encoder.encode(SavedStrings(self._scanner.state, self._kitty.state))
        return _HEAD.pack(len(saved)) + saved + self._emulator.save()

    def restore(self, saved: bytes) -> None:
        """Take what `save` has put before the emulator's state. ValueError."""
        try:
            strings = msgspec.json.decode(saved, type=SavedStrings)
        except msgspec.MsgspecError as error:
            raise ValueError(f"this state of a terminal cannot be read: {error}") from error
        self._scanner.restore(strings.scanner)
        self._kitty.restore(strings.kitty)

    def close(self) -> None:
        self._emulator.close()


class PictureKind:
    """See `EmulatorKind`: emulators of another kind, with pictures."""

    def __init__(self, kind: EmulatorKind) -> None:
        self._kind = kind
        self.name = f"{kind.name} with pictures"
        self.notice = kind.notice

    def make(self, size: TerminalSize) -> PictureEmulator:
        return PictureEmulator(self._kind.make(size))

    def restore(self, saved: bytes) -> PictureEmulator:
        if len(saved) < _HEAD.size:
            raise ValueError("this state of a terminal is cut short")
        (size,) = _HEAD.unpack_from(saved)
        end = _HEAD.size + size
        emulator = PictureEmulator(self._kind.restore(saved[end:]))
        try:
            emulator.restore(saved[_HEAD.size : end])
        except ValueError:
            emulator.close()
            raise
        return emulator


def _join(effects: Effects, more: Effects) -> None:
    effects.replies += [_ATTRIBUTES.sub(_with_sixel, reply) for reply in more.replies]
    effects.bells += more.bells
    effects.marks += more.marks


def _with_sixel(attributes: re.Match[bytes]) -> bytes:
    """Primary device attributes that say that sixels are shown."""
    known = attributes[2].split(b";")[1:]
    numbers = known if _SIXEL in known else [_SIXEL, *known]
    return b"\x1b[?6%b;%bc" % (attributes[1], b";".join(numbers))


def _extent(placement: Placement, room: int) -> tuple[int, int]:
    """Columns and rows of a picture: what the program asks for, or its own size, its shape kept,
    within the columns that there are."""
    ref = placement.ref
    columns = placement.columns or -(-ref.width // CELL_WIDTH)
    rows = placement.rows or -(-ref.height // CELL_HEIGHT)
    if placement.columns and not placement.rows:
        rows = -(-ref.height * columns * CELL_WIDTH // (ref.width * CELL_HEIGHT))
    if placement.rows and not placement.columns:
        columns = -(-ref.width * rows * CELL_HEIGHT // (ref.height * CELL_WIDTH))
    share = min(room / max(columns, 1), MOST_ROWS / max(rows, 1), 1.0)
    return max(int(columns * share), 1), max(int(rows * share + 0.5), 1)


def _clipboard_text(string: ControlString) -> str | None:
    """The text that a program puts on the clipboard; None for a question, and for what is too
    long or damaged."""
    _, separator, payload = string.body.partition(b";")
    if string.is_too_long or not separator or payload.strip() in (b"", b"?"):
        return None
    try:
        data = b64decode(payload + b"=" * (-len(payload) % 4), validate=True)
    except (Base64Error, ValueError):
        return None
    return data.decode("utf-8", "replace") if 0 < len(data) <= MOST_CLIPBOARD else None
