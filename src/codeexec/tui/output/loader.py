"""Loads the pages of rows and the pictures that output views request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from textual.app import App
from textual.message import Message
from textual.strip import Strip

from codeexec.domain import requests as q
from codeexec.domain.outputs import MimePart, Run
from codeexec.rendering.pictures import is_formula
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.output.bodies import data_of
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.pictures import PictureRequest, paint_picture
from codeexec.tui.output.rows import PAGE, PageKey
from codeexec.tui.session.requester import Requester


@dataclass
class RowsRequested(Message):
    """Pages of rows are to be read."""

    pages: Sequence[PageKey]


@dataclass
class PictureRequested(Message):
    """A picture is to be painted."""

    request: PictureRequest


class ShowsOutput(Protocol):
    """A widget with output views."""

    output: OutputContext

    @property
    def app(self) -> App[object]: ...

    def take_rows(self, key: str, start: int, runs: Iterable[Run]) -> None:
        """Rows of the execution `key`, from row `start` on."""

    def take_image(self, key: str, token: str, lines: list[Strip]) -> None:
        """The picture of the display `key`, as it was requested with `token`."""


def requests_of(output: OutputContext) -> list[RowsRequested | PictureRequested]:
    """What the views have requested while they were painted, each once."""
    pages = output.pages.take_wanted()
    messages: list[RowsRequested | PictureRequested] = [RowsRequested(pages)] if pages else []
    messages += [PictureRequested(request) for request in output.pictures.take_wanted()]
    return messages


class OutputLoader:
    """Answers the requests of one widget's views."""

    def __init__(self, requester: Requester, view: ShowsOutput) -> None:
        self._requester = requester
        self._view = view
        self.graphics = Graphics()

    def load(self, message: RowsRequested | PictureRequested) -> None:
        """Load in the background; the widget takes what comes."""
        if isinstance(message, PictureRequested):
            self._requester.run(self._paint(message.request), "images")
            return
        for execution_id, number in message.pages:
            self._requester.run(self._read_page(execution_id, number * PAGE), "pages")

    async def _read_page(self, execution_id: str, start: int) -> None:
        page = await self._requester.ask_quietly(q.ReadRows(execution_id, start, PAGE))
        if page is None:
            self._view.output.pages.give_up(execution_id, start)
        else:
            self._view.take_rows(execution_id, start, page.runs)

    async def _content(self, part: MimePart) -> bytes | None:
        """The bytes of a form of a display, wherever they are."""
        data = data_of(part)
        if data is None and part.blob is not None:
            blob = await self._requester.ask_quietly(q.ReadBlob(part.blob))
            data = blob.data if blob is not None else None
        return data

    async def _paint(self, request: PictureRequest) -> None:
        data = await self._content(request.part)
        if data is None or self.graphics.way == "none":
            return
        if is_formula(request.part.mime) and not self.graphics.has_pixels:
            return
        theme = self._view.output.painter.theme
        lines, sent = await asyncio.to_thread(paint_picture, data, request, self.graphics, theme)
        driver = self._view.app._driver
        is_current = self._view.output.pictures.accepts(request.key, request.token)
        if sent and is_current and driver is not None:
            # The driver's queue is the one way to the terminal that keeps its order.
            driver.write(sent)
        if lines:
            self._view.take_image(request.key, request.token, lines)
