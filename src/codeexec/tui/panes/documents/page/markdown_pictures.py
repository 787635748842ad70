"""Loads and paints the pictures of rendered Markdown that are in view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.strip import Strip

from codeexec.domain.errors import CodeexecError
from codeexec.domain.outputs import MimePart
from codeexec.tui.output.pictures import PictureRequest, paint_picture

if TYPE_CHECKING:
    from codeexec.tui.graphics.probe import Graphics
    from codeexec.tui.panes.documents.page.cell_source import CellSource
    from codeexec.tui.panes.documents.page.markdown_block import MarkdownBlock
    from codeexec.tui.panes.documents.page.page_outputs import PageOutputs
    from codeexec.tui.panes.documents.page.picture_slot import PictureSlot
    from codeexec.tui.session.requester import Requester
    from codeexec.tui.theme.theme import Theme

_MOST_COLUMNS = 100


class MarkdownPictures:
    """`changed` gets the key of a cell whose block has other rows."""

    def __init__(
        self,
        requester: Requester,
        outputs: PageOutputs,
        changed: Callable[[Iterable[str]], None],
        source: CellSource,
    ) -> None:
        self._requester = requester
        self._outputs = outputs
        self._changed = changed
        self._source = source

    def load_wanted(self, blocks: Iterable[tuple[str, MarkdownBlock]]) -> None:
        """Load what was in view as rows were painted; `blocks` by keys of cells."""
        for cell_key, block in blocks:
            for slot in block.pictures:
                if slot.is_wanted:
                    slot.is_loading = True
                    self._requester.run(self._load(cell_key, block, slot), "page-pictures")

    async def _load(self, cell_key: str, block: MarkdownBlock, slot: PictureSlot) -> None:
        from codeexec.documents.displays.markdown_pictures import picture_data  # not at the start

        graphics, output = self._outputs.loader.graphics, self._outputs.output
        target, folder = slot.picture.target, self._source.folder()
        columns = min(output.width, _MOST_COLUMNS)
        request = PictureRequest(cell_key, "", MimePart("image/*", 0), columns, output.picture_rows)
        try:
            data = await asyncio.to_thread(
                picture_data, target, self._source.attachments(cell_key), folder
            )
        except CodeexecError as error:
            slot.fail(error.message)
        else:
            if graphics.way != "none":
                slot.rows = await self._painted(data, request, graphics, output.painter.theme)
        block.arrange()
        self._changed([cell_key])

    async def _painted(
        self, data: bytes, request: PictureRequest, graphics: Graphics, theme: Theme
    ) -> list[Strip]:
        rows, sent = await asyncio.to_thread(paint_picture, data, request, graphics, theme)
        driver = self._outputs.app._driver
        if sent and driver is not None:
            driver.write(sent)  # its queue keeps the order
        return rows
