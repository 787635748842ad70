"""Draws pictures in the output of `run`, if the terminal can show them.

The terminal is queried when the first picture arrives: most runs have none.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from codeexec.domain.content.mime import content_of
from codeexec.domain.errors import CodeexecError, DocumentError
from codeexec.domain.outputs import MimePart

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.color import ColorSystem

    from codeexec.tui.graphics.images import Extent
    from codeexec.tui.graphics.probe import Graphics

WIDEST = 100
"""Maximum width of a picture in columns."""

_SILENT = ("", "dumb", "linux", "vt100")
"""Values of TERM for terminals without graphics; they are not queried."""

_SAVE, _RESTORE = b"\x1b7", b"\x1b8\x1b[J"

_BLOCKS = ("sextant", "quadrant", "half")


class TerminalPictures:
    """Draws pictures on a terminal, by the best way that it supports.

    `source` is the descriptor of the keyboard, `sink` that of the screen. `before_asking` is
    called before a query of the terminal, and `hold` gets keys typed during it. No query is made
    while `is_busy` returns True: input() reads the keyboard then.
    """

    def __init__(
        self,
        source: int,
        sink: int,
        setting: str,
        size: Callable[[], tuple[int, int]],
        hold: Callable[[bytes], None],
        is_busy: Callable[[], bool],
        before_asking: Callable[[], None],
    ) -> None:
        self._source, self._sink = source, sink
        self._setting = setting
        self._size = size
        self._hold = hold
        self._is_busy = is_busy
        self._before_asking = before_asking
        self._graphics: Graphics | None = None

    async def draw(self, part: MimePart, text: str) -> str:
        """Text that draws the picture and ends its last line; empty if that is impossible."""
        if self._setting == "none" or (self._graphics is None and self._is_busy()):
            return ""
        self._graphics = self._graphics or await self._ask()
        # Block characters are a rough likeness: used only if the settings name them.
        if self._graphics.way == "none" or (
            self._graphics.way in _BLOCKS and self._setting == "auto"
        ):
            return ""
        from codeexec.rendering.pictures import is_formula

        if is_formula(part.mime) and not self._graphics.has_pixels:
            return ""
        try:
            data = content_of(part.mime, text)
            return await asyncio.to_thread(self._render, data, part.mime, self._graphics)
        except DocumentError:
            return ""  # damaged or too large: its text form is printed

    async def _ask(self) -> Graphics:
        from codeexec.tui.graphics.probe import Graphics, Probe, TerminalReplies, ask_tmux, decide

        answers = TerminalReplies()
        if self._setting == "auto":
            if os.environ.get("TERM", "dumb") in _SILENT:
                return Graphics("none")
            self._before_asking()
            probe = Probe(self._source, self._sink)
            # A terminal that does not know the queries may print them: erase that.
            os.write(self._sink, _SAVE)
            probe.ask()
            answers = await probe.answers()
            os.write(self._sink, _RESTORE)
            self._hold(probe.rest)
        try:
            client = await ask_tmux(os.environ)
            return decide(answers, os.environ, setting=self._setting, tmux_client=client)
        except CodeexecError:
            return Graphics("none")

    def _render(self, data: bytes, mime: str, graphics: Graphics) -> str:
        from codeexec.tui.graphics import images
        from codeexec.tui.theme.colors import Color

        image = images.decode(data, Color(255, 255, 255), mime)
        columns, lines = self._size()
        room = images.Extent(min(columns - 1, WIDEST), max(lines * 2 // 3, 4))
        extent = images.fit(*images.shown_size(data, image), room, graphics.cell)
        if graphics.way == "kitty":
            return self._kitty(image, extent, graphics)
        if graphics.way == "sixel":
            from codeexec.tui.graphics import sixel

            pixels = (extent.columns * graphics.cell.width, extent.rows * graphics.cell.height)
            return sixel.encode(sixel.quantise(images.scaled(image, *pixels))) + "\n"
        return self._blocks(image, extent, graphics)

    @staticmethod
    def _kitty(image: Image, extent: Extent, graphics: Graphics) -> str:
        from codeexec.tui.graphics import kitty

        number = kitty.new_id()
        red, green, blue = kitty.id_color(number)
        rows = (
            f"\x1b[38;2;{red};{green};{blue}m{row}\x1b[0m\n" for row in kitty.placeholders(extent)
        )
        return kitty.transmit(image, number, extent, tmux=graphics.tmux) + "".join(rows)

    @staticmethod
    def _blocks(image: Image, extent: Extent, graphics: Graphics) -> str:
        from codeexec.tui.graphics.halfblock import mosaic

        way = graphics.way
        assert way in ("sextant", "quadrant", "half")
        system = _color_system(os.environ)
        lines: list[str] = []
        for row in mosaic(image, extent, blocks=way):
            cells: list[str] = []
            for segment in row:
                if (style := segment.style) is not None:
                    for color, is_ink in ((style.color, True), (style.bgcolor, False)):
                        if color is not None:
                            codes = color.downgrade(system).get_ansi_codes(is_ink)
                            cells.append(f"\x1b[{';'.join(codes)}m")
                cells.append(segment.text)
            lines.append("".join(cells) + "\x1b[0m\n")
        return "".join(lines)


def _color_system(environ: Mapping[str, str]) -> ColorSystem:
    """The colours of a terminal, as it names them."""
    from rich.color import ColorSystem

    from codeexec.tui.theme.color_depth import TerminalColors

    systems = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT}
    return systems.get(TerminalColors(environ).depth, ColorSystem.STANDARD)
