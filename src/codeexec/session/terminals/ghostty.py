"""Terminal emulator of libghostty, by pyghostty.

The binding is of a library whose interface may change: its version is pinned, and `check_layout`
compares the layout of cells that `cells.py` reads with what the library says of it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from pyghostty._ffi import GhosttyError, check, ffi, lib, union_fn

from codeexec.domain.terminals import AnyInput, Cursor, MouseMode, TerminalModes, TerminalRow
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import (
    MARK,
    MOST_MARK,
    WINDOW,
    Effects,
    Mark,
    ScreenState,
)
from codeexec.session.terminals.ghostty_cells import RowReader
from codeexec.session.terminals.ghostty_input import InputEncoder

PIECE = 8192
"""Bytes fed at a time: fewer rows scroll off in it than the window holds, so none is missed."""
CELL_BYTES = 8
CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels of a cell, for programs that ask."""
MOST_CONTINUATION = 1 << 20
"""Bytes of an unfinished escape sequence that `save` keeps."""
MOUSE_MODES: tuple[tuple[int, MouseMode], ...] = (
    (1003, "move"),
    (1002, "drag"),
    (1000, "click"),
    (9, "press"),
)
GRAPHEME_CLUSTERS = 2027
SYNCHRONIZED = 2026
_SHAPES: tuple[Literal["block", "underline", "bar"], ...] = ("bar", "block", "underline", "block")

_track = union_fn(
    "ghostty_terminal_grid_ref_track",
    "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyTrackedGridRef*)",
)


class GhosttyEmulator:
    """See `Emulator`."""

    def __init__(self, handle: object, counts: Counts | None = None) -> None:
        """`handle` is a GhosttyTerminal, which belongs to this object from now on."""
        counts = counts or Counts(0, 0, 0)
        self.history = counts.history
        self.first = counts.first
        self._above = counts.above
        self._t = handle
        self._effects = Effects()
        self._pin = ffi.new("GhosttyTrackedGridRef*")
        self._point = ffi.new("GhosttyPointCoordinate*")
        self._set("SCROLLBACK_MAX_LINES", "size_t", 10**9)
        self._set("SCROLLBACK_MAX_BYTES", "size_t", WINDOW)
        self._set("CONTINUATION_MAX_BYTES", "size_t", MOST_CONTINUATION)
        self._set("RESIZE_PULL_SCROLLBACK", "bool", False)
        self._set("KITTY_IMAGE_STORAGE_LIMIT", "uint64_t", 0)
        self._set("UNKNOWN_MAX_BYTES", "size_t", MOST_MARK)
        self._callbacks = self._make_callbacks()
        self._rows = RowReader(handle)
        self._input = InputEncoder(handle)
        if not self._is_alternate:
            self._set_pin()

    def _make_callbacks(self) -> list[object]:
        """They are referred to for as long as the terminal lives."""
        reply = ffi.callback("GhosttyTerminalWritePtyFn", self._on_reply)
        bell = ffi.callback("GhosttyTerminalBellFn", self._on_bell)
        unknown = ffi.callback("GhosttyTerminalUnknownSequenceFn", self._on_unknown)
        size = ffi.callback("GhosttyTerminalSizeFn", self._on_size)
        for option, callback in (
            ("WRITE_PTY", reply),
            ("BELL", bell),
            ("UNKNOWN_SEQUENCE", unknown),
            ("SIZE", size),
        ):
            number = getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}")
            check(lib.ghostty_terminal_set(self._t, number, callback), option)
        return [reply, bell, unknown, size]

    def _set(self, option: str, kind: str, value: object) -> None:
        number = getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}")
        check(lib.ghostty_terminal_set(self._t, number, ffi.new(f"{kind}*", value)), option)

    def _get(self, name: str, kind: str) -> int:
        value = ffi.new(f"{kind}*")
        number = getattr(lib, f"GHOSTTY_TERMINAL_DATA_{name}")
        check(lib.ghostty_terminal_get(self._t, number, value), name)
        return int(value[0])

    def _text(self, name: str) -> str:
        value = ffi.new("GhosttyString*")
        number = getattr(lib, f"GHOSTTY_TERMINAL_DATA_{name}")
        if lib.ghostty_terminal_get(self._t, number, value):
            return ""
        return bytes(ffi.buffer(value.ptr, value.len)).decode("utf-8", "replace")

    def _mode(self, number: int) -> bool:
        config = ffi.new("GhosttyTerminalModeConfig*")
        config.mode = number
        check(lib.ghostty_terminal_get(self._t, lib.GHOSTTY_TERMINAL_DATA_MODE, config), "mode")
        return bool(config.value)

    # -- what comes back while bytes are fed ----------------------------------------------

    def _on_reply(self, _t: object, _user: object, data: object, size: int) -> None:
        self._effects.replies.append(bytes(ffi.buffer(data, size)))

    def _on_bell(self, _t: object, _user: object) -> None:
        self._effects.bells += 1

    def _on_size(self, _t: object, _user: object, out: Any) -> bool:
        size = self._size()
        out.rows, out.columns = size.rows, size.columns
        out.cell_width, out.cell_height = CELL_WIDTH, CELL_HEIGHT
        return True

    def _on_unknown(self, _t: object, _user: object, sequence: Any) -> None:
        if sequence.tag != lib.GHOSTTY_TERMINAL_UNKNOWN_SEQUENCE_OSC:
            return
        osc = sequence.value.osc
        content = bytes(ffi.buffer(osc.content.ptr, osc.content.len)) if osc.content.len else b""
        prefix = b"%d;" % MARK
        if osc.truncated or not content.startswith(prefix):
            return
        text = content[len(prefix) :].decode("utf-8", "replace")
        row = self.history + self._scrolled_now() + self._get("CURSOR_Y", "uint16_t")
        self._effects.marks.append(Mark(text, row, self._get("CURSOR_X", "uint16_t")))

    # -- bytes ----------------------------------------------------------------------------

    def feed(self, data: bytes) -> Effects:
        self._effects = Effects()
        for piece in self._pieces(data):
            lib.ghostty_terminal_vt_write(self._t, piece, len(piece))
            self._count(piece)
        return self._effects

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = self._size()
        most = max(WINDOW // (CELL_BYTES * size.columns) // 4 - size.rows, 20)
        for start in range(0, len(data), PIECE):
            yield from _split(data[start : start + PIECE], most)

    def _count(self, piece: bytes) -> None:
        """Count the rows that have scrolled off while a piece was fed."""
        if self._is_alternate:
            return  # it has no rows above it; the place in the other screen is kept
        self.history += self._scrolled_now()
        above = self._get("SCROLLBACK_ROWS", "size_t")
        if above == 0 and (b"\x1b[3J" in piece or b"\x1bc" in piece):
            self.first = self.history
        self._above = above
        self._set_pin()

    def _scrolled_now(self) -> int:
        """Rows that have scrolled off since they were counted last."""
        if self._is_alternate:
            return 0
        above = self._get("SCROLLBACK_ROWS", "size_t")
        if self._pin[0] == ffi.NULL:
            return max(above - self._above, 0)
        tag = lib.GHOSTTY_POINT_TAG_SCREEN
        if lib.ghostty_tracked_grid_ref_point(self._pin[0], tag, self._point):
            return above  # the row that was the first of the screen is gone
        return max(above - int(self._point.y), 0)

    def _set_pin(self) -> None:
        """Follow the row that is the first of the screen now."""
        self._drop_pin()
        point = ffi.new("GhosttyPointS*")
        point.tag = lib.GHOSTTY_POINT_TAG_ACTIVE
        check(_track(self._t, point[0], self._pin), "grid_ref_track")

    def _drop_pin(self) -> None:
        if self._pin[0] != ffi.NULL:
            lib.ghostty_tracked_grid_ref_free(self._pin[0])
            self._pin[0] = ffi.NULL

    @property
    def _is_alternate(self) -> bool:
        return bool(self._get("ACTIVE_SCREEN", "int") == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE)

    def resize(self, size: TerminalSize) -> None:
        check(
            lib.ghostty_terminal_resize(self._t, size.columns, size.rows, CELL_WIDTH, CELL_HEIGHT),
            "resize",
        )
        self._count(b"")

    # -- the screen -----------------------------------------------------------------------

    def _size(self) -> TerminalSize:
        return TerminalSize(self._get("COLS", "uint16_t"), self._get("ROWS", "uint16_t"))

    def state(self) -> ScreenState:
        return ScreenState(
            self._size(),
            self._cursor(),
            TerminalModes(
                is_alternate=self._is_alternate,
                mouse=self._mouse(),
                is_bracketed_paste=self._mode(2004),
                is_application_cursor=self._mode(1),
                reports_focus=self._mode(1004),
                keyboard=self._get("KITTY_KEYBOARD_FLAGS", "uint8_t"),
            ),
            self._text("TITLE"),
            self._text("PWD"),
            self._mode(SYNCHRONIZED),
        )

    def _mouse(self) -> MouseMode:
        return next((name for mode, name in MOUSE_MODES if self._mode(mode)), "")

    def _cursor(self) -> Cursor:
        cursor = self._rows.cursor()
        return Cursor(
            self._get("CURSOR_X", "uint16_t"),
            self._get("CURSOR_Y", "uint16_t"),
            bool(self._get("CURSOR_VISIBLE", "bool")),
            _SHAPES[cursor.visual_style],
            bool(cursor.blinking),
        )

    def changed_rows(self) -> dict[int, TerminalRow]:
        return self._rows.changed()

    def scrolled(self, count: int) -> list[TerminalRow]:
        above = self._get("SCROLLBACK_ROWS", "size_t")
        if self._is_alternate:
            return []
        count = min(count, above)
        return self._rows.read(above - count, count)

    # -- the rest -------------------------------------------------------------------------

    def encode(self, item: AnyInput) -> bytes:
        return self._input.encode(item, self._mode(2004), self._mode(1004))

    def save(self) -> bytes:
        data, size = ffi.new("uint8_t**"), ffi.new("size_t*")
        check(lib.ghostty_snapshot_encode_alloc(self._t, ffi.NULL, data, size), "snapshot")
        try:
            content = bytes(ffi.buffer(data[0], size[0]))
        finally:
            lib.ghostty_free(ffi.NULL, data[0], size[0])
        return COUNTS.pack(self.history, self.first, self._above) + content

    def close(self) -> None:
        self._drop_pin()
        self._rows.close()
        self._input.close()
        lib.ghostty_terminal_free(self._t)


class Counts(NamedTuple):
    """Rows that have scrolled off, the first that was not cleared, and those above the screen."""

    history: int
    first: int
    above: int


COUNTS = struct.Struct(">QQQ")


def _split(data: bytes, most: int) -> Iterator[bytes]:
    """The data in pieces of at most `most` newlines each."""
    if data.count(b"\n") <= most or len(data) < 2:
        yield data
        return
    middle = len(data) // 2
    yield from _split(data[:middle], most)
    yield from _split(data[middle:], most)


class GhosttyKind:
    """See `EmulatorKind`."""

    name = "pyghostty 0.1.3"
    notice = ""

    def make(self, size: TerminalSize) -> GhosttyEmulator:
        handle = ffi.new("GhosttyTerminal*")
        check(lib.ghostty_terminal_new(ffi.NULL, handle, size.columns, size.rows), "new")
        mode = ffi.new("GhosttyTerminalModeConfig*")
        mode.mode, mode.value = GRAPHEME_CLUSTERS, True
        for option in ("MODE", "MODE_DEFAULT"):
            number = getattr(lib, f"GHOSTTY_TERMINAL_OPT_{option}")
            check(lib.ghostty_terminal_set(handle[0], number, mode), option)
        return GhosttyEmulator(handle[0])

    def restore(self, saved: bytes) -> GhosttyEmulator:
        if len(saved) < COUNTS.size:
            raise ValueError("this state of a terminal is cut short")
        counts = Counts(*COUNTS.unpack_from(saved))
        content = saved[COUNTS.size :]
        decoder, handle = ffi.new("GhosttySnapshotDecoder*"), ffi.new("GhosttyTerminal*")
        check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, content, len(content)), "new")
        try:
            check(lib.ghostty_snapshot_decoder_decode(decoder[0], handle), "decode")
        except GhosttyError as error:
            raise ValueError(f"this state of a terminal cannot be read: {error}") from error
        finally:
            lib.ghostty_snapshot_decoder_free(decoder[0])
        return GhosttyEmulator(handle[0], counts)


GHOSTTY = GhosttyKind()
