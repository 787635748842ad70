"""The rendered Markdown cells of one page, with their pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from codeexec.tui.panes.documents.page.markdown_block import (
    MarkdownBlock,
    is_too_long,
    render_markdown,
)
from codeexec.tui.panes.documents.page.markdown_pictures import MarkdownPictures

if TYPE_CHECKING:
    from codeexec.documents.model import Cell
    from codeexec.tui.panes.documents.page.cell_source import CellSource
    from codeexec.tui.panes.documents.page.page_outputs import PageOutputs
    from codeexec.tui.session.requester import Requester
    from codeexec.tui.theme.theme import Theme


class MarkdownTexts:
    """By key of the cell. `changed` is called with the keys whose block has other rows."""

    def __init__(
        self,
        theme: Theme,
        requester: Requester,
        outputs: PageOutputs,
        changed: Callable[[Iterable[str]], None],
        source: CellSource,
    ) -> None:
        self._theme = theme
        self._outputs = outputs
        self._texts: dict[str, MarkdownBlock] = {}
        self._with_pictures: dict[str, MarkdownBlock] = {}
        """Those of `_texts` that have pictures: they are looked through at each paint."""
        self._outdated: set[str] = set()
        """Cells that were rendered with another theme; shown until they are rendered again."""
        self._pictures = MarkdownPictures(requester, outputs, changed, source)

    def get(self, cell_key: str) -> MarkdownBlock | None:
        return self._texts.get(cell_key)

    def render(self, cell: Cell) -> None:
        """Render a cell where its text or the width is another one."""
        width = self._outputs.output.width
        block = self._texts.get(cell.key)
        is_current = block is not None and (block.source, block.width) == (cell.source, width)
        if is_current and cell.key not in self._outdated:
            return
        self._outdated.discard(cell.key)
        self._texts.pop(cell.key, None)
        self._with_pictures.pop(cell.key, None)
        is_blank_start = not cell.source.strip() and cell.body == cell.start
        if is_too_long(cell.source) or is_blank_start:
            return
        block = self._texts[cell.key] = render_markdown(cell.source, width, self._theme)
        if block.pictures:
            self._with_pictures[cell.key] = block

    def load_pictures(self) -> None:
        """Load the pictures that were in view as rows were painted."""
        self._pictures.load_wanted(self._with_pictures.items())

    def use(self, theme: Theme) -> None:
        """Render with another theme when asked next."""
        self._theme = theme
        self._outdated = set(self._texts)
