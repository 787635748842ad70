"""Reads rows of cells of a libghostty terminal.

A cell is 64 bits: content tag (bits 0-1), code point or colour (2-25), style (26-41), width
(42-43), hyperlink (45). Rows are read whole, as one call for each cell would be too slow for a
screen that changes 30 times a second.
"""

from __future__ import annotations

import struct
from typing import Any

from pyghostty._ffi import check, ffi, lib, union_fn
from pyghostty.core import init_sized

from codeexec.domain.terminals import (
    BLINK,
    BOLD,
    DEFAULT_COLOR,
    DIM,
    HIDDEN,
    ITALIC,
    OVERLINE,
    REVERSE,
    RGB,
    STRIKE,
    CellStyle,
    Span,
    TerminalRow,
)
from codeexec.session.terminals.emulator import MOST_LINK, shown_character, trimmed

TAG, GRAPHEME, PALETTE_CELL, RGB_CELL = 3, 1, 2, 3
CODEPOINT_AT, CODEPOINT = 2, 0x1FFFFF
STYLE_AT, STYLE = 26, 0xFFFF
WIDTH_AT, WIDTH = 42, 3
SPACER_TAIL, SPACER_HEAD = 2, 3
LINK_AT = 45
LINK = 1 << LINK_AT
MOST_GRAPHEME = 64

_FLAGS = (
    ("bold", BOLD),
    ("faint", DIM),
    ("italic", ITALIC),
    ("blink", BLINK),
    ("inverse", REVERSE),
    ("invisible", HIDDEN),
    ("strikethrough", STRIKE),
    ("overline", OVERLINE),
)
_PRINTABLE = bytes(
    number if 0x20 <= number < 0x7F or number >= 0xA0 else 0x20 for number in range(256)
)
"""Latin-1 as it may be shown: a blank cell has code point 0."""

_grid_ref = union_fn(
    "ghostty_terminal_grid_ref",
    "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)",
)


class RowReader:
    """Rows of one terminal: those of the screen that have changed, or any that it holds."""

    def __init__(self, terminal: object) -> None:
        self._t = terminal
        self._state = ffi.new("GhosttyRenderState*")
        check(lib.ghostty_render_state_new(ffi.NULL, self._state), "render_state_new")
        self._iterator = ffi.new("GhosttyRenderStateRowIterator*")
        check(
            lib.ghostty_render_state_row_iterator_new(ffi.NULL, self._iterator),
            "row_iterator_new",
        )
        self._cells = ffi.new("GhosttyRenderStateRowCells*")
        check(lib.ghostty_render_state_row_cells_new(ffi.NULL, self._cells), "row_cells_new")
        self._view = ffi.new("GhosttyCellsView*")
        self._row = ffi.new("GhosttyRow*")
        self._is_wrapped = ffi.new("bool*")
        self._number = ffi.new("uint16_t*")
        self._style = init_sized("GhosttyStyle")
        self._ref = init_sized("GhosttyGridRef")
        self._cursor = init_sized("GhosttyRenderStateCursor")

    def close(self) -> None:
        lib.ghostty_render_state_row_cells_free(self._cells[0])
        lib.ghostty_render_state_row_iterator_free(self._iterator[0])
        lib.ghostty_render_state_free(self._state[0])

    def cursor(self) -> Any:
        """A GhosttyRenderStateCursor, of the last call of `changed`: a further update would forget
        which rows have changed."""
        data = lib.GHOSTTY_RENDER_STATE_DATA_CURSOR
        check(lib.ghostty_render_state_get(self._state[0], data, self._cursor), "cursor")
        return self._cursor

    def changed(self) -> dict[int, TerminalRow]:
        """The rows of the screen that may have changed since the last call."""
        self._update()
        rows: dict[int, TerminalRow] = {}
        while lib.ghostty_render_state_row_iterator_next_dirty(self._iterator[0], self._number):
            rows[self._number[0]] = self._take_row(self._number[0])
        check(lib.ghostty_render_state_clean(self._state[0]), "clean")
        return rows

    def read(self, start: int, count: int) -> list[TerminalRow]:
        """Rows from `start` on, counted from the oldest that is held."""
        rows: list[TerminalRow] = []
        try:
            while count > 0:
                self._scroll(lib.GHOSTTY_SCROLL_VIEWPORT_ROW, start)
                self._update()
                taken = 0
                while taken < count and lib.ghostty_render_state_row_iterator_next(
                    self._iterator[0]
                ):
                    rows.append(self._take_row(taken))
                    taken += 1
                if not taken:
                    break
                start, count = start + taken, count - taken
        finally:
            self._scroll(lib.GHOSTTY_SCROLL_VIEWPORT_BOTTOM, 0)
        return rows

    def _scroll(self, tag: int, row: int) -> None:
        behavior = ffi.new("ScrollTwin*")
        behavior.tag, behavior.row = tag, row
        _scroll_viewport(self._t, behavior[0])

    def _update(self) -> None:
        check(lib.ghostty_render_state_update(self._state[0], self._t), "update")
        data = lib.GHOSTTY_RENDER_STATE_DATA_ROW_ITERATOR
        check(lib.ghostty_render_state_get(self._state[0], data, self._iterator), "row_iterator")

    def _get(self, data: int, out: object) -> None:
        check(lib.ghostty_render_state_row_get(self._iterator[0], data, out), "row_get")

    def _take_row(self, number: int) -> TerminalRow:
        """The row at which the iterator stands, which is row `number` of the viewport."""
        self._get(lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS_RAW, self._view)
        self._get(lib.GHOSTTY_RENDER_STATE_ROW_DATA_RAW, self._row)
        check(
            lib.ghostty_row_get(self._row[0], lib.GHOSTTY_ROW_DATA_WRAP, self._is_wrapped), "wrap"
        )
        raw = bytes(ffi.buffer(self._view.ptr, self._view.len * 8))
        is_wrapped = bool(self._is_wrapped[0])
        text = plain_text(raw)
        if text is not None:
            text = text if is_wrapped else text.rstrip(" ")
            return TerminalRow((Span(text, len(text)),) if text else (), is_wrapped)
        self._get(lib.GHOSTTY_RENDER_STATE_ROW_DATA_CELLS, self._cells)
        spans = self._spans(raw, number)
        return TerminalRow(tuple(spans) if is_wrapped else trimmed(spans), is_wrapped)

    def _spans(self, raw: bytes, number: int) -> list[Span]:
        spans: list[Span] = []
        parts: list[str] = []
        width, current, style = 0, 0, None
        for column, cell in enumerate(struct.unpack(f"<{len(raw) // 8}Q", raw)):
            key = _look(cell)
            if key & LINK or key != current:
                following = self._style_at(cell, column, number)
                if following != style and width:
                    spans.append(Span("".join(parts), width, style))
                    parts, width = [], 0
                current, style = key, following
            width += 1
            wide = cell >> WIDTH_AT & WIDTH
            if wide == SPACER_TAIL:
                continue
            parts.append(self._character(cell, column))
        if width:
            spans.append(Span("".join(parts), width, style))
        return spans

    def _character(self, cell: int, column: int) -> str:
        if cell & TAG == GRAPHEME:
            return self._grapheme(column)
        if cell & TAG:
            return " "
        return shown_character(cell >> CODEPOINT_AT & CODEPOINT)

    def _grapheme(self, column: int) -> str:
        check(lib.ghostty_render_state_row_cells_select(self._cells[0], column), "select")
        count = ffi.new("uint32_t*")
        get = lib.ghostty_render_state_row_cells_get
        check(
            get(self._cells[0], lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_LEN, count), "len"
        )
        points = ffi.new("uint32_t[]", max(count[0], 1))
        check(
            get(self._cells[0], lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_GRAPHEMES_BUF, points),
            "graphemes",
        )
        return "".join(
            shown_character(points[index]) for index in range(min(count[0], MOST_GRAPHEME))
        )

    def _style_at(self, cell: int, column: int, number: int) -> CellStyle | None:
        tag, value = cell & TAG, cell >> CODEPOINT_AT & 0xFFFFFF
        link = self._link(column, number) if cell & LINK else ""
        if not cell >> STYLE_AT & STYLE and tag in (0, GRAPHEME) and not link:
            return None
        if not cell >> STYLE_AT & STYLE:
            look = CellStyle(link=link)
        else:
            check(lib.ghostty_render_state_row_cells_select(self._cells[0], column), "select")
            data = lib.GHOSTTY_RENDER_STATE_ROW_CELLS_DATA_STYLE
            check(
                lib.ghostty_render_state_row_cells_get(self._cells[0], data, self._style), "style"
            )
            look = _read_style(self._style, link)
        if tag == PALETTE_CELL:
            return CellStyle(look.foreground, value & 0xFF, look.flags)
        if tag == RGB_CELL:
            red, green, blue = value & 0xFF, value >> 8 & 0xFF, value >> 16 & 0xFF
            return CellStyle(look.foreground, RGB + (red << 16 | green << 8 | blue), look.flags)
        return look

    def _link(self, column: int, number: int) -> str:
        point = ffi.new("GhosttyPointS*")
        point.tag = lib.GHOSTTY_POINT_TAG_VIEWPORT
        point.value.x, point.value.y = column, number
        if _grid_ref(self._t, point[0], self._ref):
            return ""
        size, address = ffi.new("size_t*"), ffi.new(f"uint8_t[{MOST_LINK}]")
        if lib.ghostty_grid_ref_hyperlink_uri(self._ref, address, MOST_LINK, size):
            return ""
        text = bytes(ffi.buffer(address, size[0])).decode("utf-8", "replace")
        return text if text.isprintable() else ""


def plain_text(raw: bytes) -> str | None:
    """The text of a row whose cells are narrow, of Latin-1 and of the default style; None for any
    other. Without blanks of unwritten cells at its end."""
    if not raw or raw[0] & TAG:
        return None
    shifted = (int.from_bytes(raw, "little") >> CODEPOINT_AT).to_bytes(len(raw), "little")
    # Code points above Latin-1, style, width, link, and the tag of the following cell.
    for byte in (1, 2, 3, 4, 5, 7):
        if any(shifted[byte::8].strip(b"\0")):
            return None
    return shifted[::8].rstrip(b"\0").translate(_PRINTABLE).decode("latin-1")


def _look(cell: int) -> int:
    """What of a cell decides its style within a row."""
    key = cell & (STYLE << STYLE_AT | LINK)
    if cell & TAG >= PALETTE_CELL:
        key |= cell & 0x3FFFFFF
    return key


def _read_style(style: Any, link: str) -> CellStyle:
    flags = sum(bit for name, bit in _FLAGS if getattr(style, name))
    return CellStyle(
        _color(style.fg_color),
        _color(style.bg_color),
        flags,
        min(max(style.underline, 0), 5),
        _color(style.underline_color),
        link,
    )


def _color(color: Any) -> int:
    if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return int(color.value.palette)
    if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = color.value.rgb
        return RGB + int(rgb.r << 16 | rgb.g << 8 | rgb.b)
    return DEFAULT_COLOR


# The struct that the library takes by value has a union, which cffi cannot pass: a twin of the same
# layout takes its place.
ffi.cdef("typedef struct { int tag; uint64_t row; uint64_t padding; } ScrollTwin;")
assert ffi.sizeof("ScrollTwin") == ffi.sizeof("GhosttyTerminalScrollViewport")
_scroll_viewport = union_fn(
    "ghostty_terminal_scroll_viewport", "void(*)(GhosttyTerminal, ScrollTwin)"
)
