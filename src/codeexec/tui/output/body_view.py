"""One body as a widget: picture, table, tree or text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import assert_never

from textual import on
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from codeexec.rendering.pictures import can_draw_formulas
from codeexec.tui.graphics.images import own_size
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.contents import (
    Content,
    FormulaContent,
    JsonContent,
    MarkdownContent,
    NoContent,
    PictureContent,
    TableContent,
    TextContent,
)
from codeexec.tui.widgets.label_text import tell
from codeexec.tui.widgets.picture import Picture

_PAINTING = 2.0
"""Seconds that the next picture waits for this one; a hidden pane never paints."""


class BodyView(Vertical):
    """Shows a content; what was shown before stays until the new is ready.

    With `navigable`, pictures are zoomed and walked about in. The views of texts, tables and JSON
    are imported when the first one comes: a pane without artifacts has no use for them.
    """

    DEFAULT_CSS = """
    BodyView { height: 1fr; }
    BodyView > * { display: none; height: 1fr; }
    BodyView > .shown { display: block; }
    BodyView > Picture { height: auto; }
    BodyView > Picture.-navigable { height: 1fr; }
    BodyView #words { content-align: center middle; text-align: center; color: $text-muted; }
    BodyView JsonView { background: transparent; }
    """

    @dataclass
    class PictureMeasured(Message):
        """The picture with these bytes is painted; its size in pixels."""

        data: bytes
        width: int
        height: int

    def __init__(
        self, graphics: Graphics | None = None, *, navigable: bool = False, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._graphics = graphics or Graphics()
        self._navigable = navigable
        self._fills = False
        self._parts: dict[str, Widget] = {}
        self._painted = asyncio.Event()
        self.content: Content | None = None

    def use(self, graphics: Graphics) -> None:
        """Show pictures in another way from now on."""
        self._graphics = graphics
        if isinstance(picture := self._parts.get("picture"), Picture):
            picture.use(graphics)

    def fill(self, grow: bool) -> None:
        """Whether pictures are enlarged to fill the view."""
        self._fills = grow
        if isinstance(picture := self._parts.get("picture"), Picture):
            picture.fill(grow)

    @property
    def main(self) -> Widget | None:
        """The widget that shows the content, to be given the keys."""
        return next((part for part in self._parts.values() if part.has_class("shown")), None)

    async def show(self, content: Content, description: str = "") -> None:
        """Show this; returns when it is there to be seen."""
        if not self.is_attached:
            return  # removed while the content was read
        if content == self.content and not isinstance(content, PictureContent | FormulaContent):
            return
        self.content = content
        match content:
            case PictureContent(data=data, mime=mime):
                await self._show_picture(data, description, mime)
            case FormulaContent(data=data, text=text):
                if self._graphics.has_pixels and can_draw_formulas():
                    await self._show_picture(data, text, "text/latex")
                else:
                    await self._show_text(text, markdown=False)
            case TableContent(page=page):
                from codeexec.tui.widgets.table import DataTableView

                table = self._parts.get("table")
                if isinstance(table, DataTableView):
                    order = table.order
                    table.show(page)
                    if order[0] in page.names:
                        table.sort_by(*order)  # an update keeps what the reader has set
                else:
                    await self._add("table", DataTableView(page))
                self._only("table")
            case JsonContent(text=text):
                from codeexec.tui.widgets.json_view import JsonView

                had_keys = (old := self._parts.get("json")) is not None and old.has_focus
                await self._drop("json")
                await self._add("json", JsonView(text))
                self._only("json")
                if had_keys and (view := self.main) is not None:
                    view.focus()
            case MarkdownContent(text=text):
                await self._show_text(text, markdown=True)
            case TextContent(text=text):
                await self._show_text(text, markdown=False)
            case NoContent(message=message):
                await self._show_words(message)
            case _:
                assert_never(content)

    async def _show_picture(self, data: bytes, description: str, mime: str) -> None:
        self._painted.clear()
        picture = self._parts.get("picture")
        if isinstance(picture, Picture):
            picture.show(data, description, mime)
        else:
            picture = Picture(
                data,
                mime=mime,
                graphics=self._graphics,
                description=description,
                navigable=self._navigable,
                grow=self._fills,
                classes="-navigable" if self._navigable else "",
            )
            picture.can_focus = self._navigable
            await self._add("picture", picture)
        # The one before must make room at once: a picture that has no room is not painted.
        self._only("picture")
        try:
            async with asyncio.timeout(_PAINTING):
                await self._painted.wait()
        except TimeoutError:
            return  # out of sight: it will be painted when it is seen

    @on(Picture.Shown)
    async def note_painted(self, event: Picture.Shown) -> None:
        event.stop()
        if isinstance(self.content, FormulaContent) and event.data is self.content.data:
            self._painted.set()
            if event.fault:
                await self._show_text(self.content.text, markdown=False)
            return
        if not isinstance(self.content, PictureContent) or event.data is not self.content.data:
            return  # of the picture before
        self._painted.set()
        if event.size is not None:
            width, height = own_size(event.data) or event.size
            self.post_message(self.PictureMeasured(event.data, width, height))

    async def _show_text(self, text: str, markdown: bool) -> None:
        from codeexec.tui.output.text_view import TextView

        view = self._parts.get("text")
        if not isinstance(view, TextView):
            view = TextView()
            await self._add("text", view)
        self._only("text")
        view.show(text, markdown=markdown)

    async def _show_words(self, text: str) -> None:
        static = self._parts.get("words")
        if static is None:
            static = Static("", id="words")
            await self._add("words", static)
        assert isinstance(static, Static)
        tell(static, text)
        self._only("words")

    async def _add(self, name: str, widget: Widget) -> None:
        if not self.is_attached:
            return  # removed while the widget before it was removed
        self._parts[name] = widget
        await self.mount(widget)

    async def _drop(self, name: str) -> None:
        widget = self._parts.pop(name, None)
        if widget is not None:
            await widget.remove()

    def _only(self, name: str) -> None:
        for part_name, widget in self._parts.items():
            widget.set_class(part_name == name, "shown")
