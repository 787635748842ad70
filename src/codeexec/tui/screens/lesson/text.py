"""The text of a step, rendered, with its pictures."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codeexec.domain.errors import CodeexecError
from codeexec.domain.outputs import MimePart
from codeexec.domain.text.printable import printable
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.pictures import PictureRequest, paint_picture
from codeexec.tui.panes.documents.page.markdown_block import MarkdownBlock, render_markdown
from codeexec.tui.panes.documents.page.picture_slot import PictureSlot
from codeexec.tui.theme.theme import Theme

_WIDEST = 76
"""Columns of a line of text: longer ones are hard to read."""


@dataclass(frozen=True, slots=True)
class PicturePlace:
    """How pictures are drawn, the folder that they are read from, and the rows of one at most."""

    graphics: Graphics
    folder: Path
    rows: int


class LessonText(ScrollView, can_focus=False):
    """Markdown as it reads; a text that is too long is scrolled by the mouse."""

    DEFAULT_CSS = """
    LessonText { background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    class HeightChanged(Message):
        """A picture was drawn, which has other rows than the words in its place."""

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme
        self._source = ""
        self._block: MarkdownBlock | None = None
        self._pictures: PicturePlace | None = None
        self._rendered: tuple[str, int, str, PicturePlace | None] | None = None

    def use(self, theme: Theme) -> None:
        self._theme = theme
        width = self._rendered[1] if self._rendered else 0
        self.show(self._source, width, self._pictures)

    def show(self, source: str, width: int, pictures: PicturePlace | None = None) -> int:
        """Show a text at this width; returns its height. Without `pictures` their words stand in
        their place."""
        width = min(width, _WIDEST)
        wanted = (source, width, f"{self._theme.key} {self._theme.depth}", pictures)
        if wanted != self._rendered and width > 0:
            if source != self._source:
                self.scroll_to(0, 0, animate=False)
            self._source, self._rendered, self._pictures = source, wanted, pictures
            text = printable(source, lines=True)
            draws = pictures is not None
            self._block = (
                render_markdown(text, width, self._theme, draws_inline=draws) if text else None
            )
            self._settle()
        return self._height

    @property
    def _height(self) -> int:
        return self._block.height if self._block is not None else 0

    def _settle(self) -> None:
        width = self._rendered[1] if self._rendered else 0
        self.virtual_size = Size(width, self._height)
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        lines = super().render_lines(crop)
        if self._block is not None and self._pictures is not None:
            for slot in self._block.pictures:
                if slot.is_wanted:
                    slot.is_loading = True
                    work = self._draw(self._block, slot, self._pictures)
                    self.run_worker(work, group="lesson-pictures")
        return lines

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        block = self._block
        line = Strip([])
        if block is not None:
            line = block.render_row(y + self.scroll_offset.y, width)
        return line.apply_style(base).adjust_cell_length(width, base)

    async def _draw(self, block: MarkdownBlock, slot: PictureSlot, place: PicturePlace) -> None:
        from codeexec.documents.displays.markdown_pictures import picture_data  # few texts have one

        columns = min(block.width, self.size.width or block.width)
        request = PictureRequest("", "", MimePart("image/*", 0), columns, place.rows)
        try:
            data = await asyncio.to_thread(picture_data, slot.picture.target, {}, place.folder)
        except CodeexecError as error:
            slot.fail(error.message)
        else:
            if place.graphics.way == "none":
                return
            rows, sent = await asyncio.to_thread(
                paint_picture, data, request, place.graphics, self._theme
            )
            if sent and self.app._driver is not None:
                self.app._driver.write(sent)  # its queue keeps the order
            slot.rows = rows
        block.arrange()
        if block is self._block:
            self._settle()
            self.post_message(self.HeightChanged())
