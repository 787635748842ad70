"""Pictures that programs show in terminals: painted over the cells that stand for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from textual.strip import Strip
from textual.widget import Widget

from codeexec.domain.errors import DocumentError
from codeexec.domain.events import Artifact
from codeexec.domain.requests import ReadBlob
from codeexec.domain.terminals import PicturePart, TerminalRow, picture_id, picture_part
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.session.requester import Requester
from codeexec.tui.theme.colors import Color

if TYPE_CHECKING:
    from codeexec.tui.graphics.painting import Painting

_MOST_PAINTED = 12
"""Pictures that are kept painted."""
_PREFIX = picture_id("")

_PaintingKey = tuple[str, int, int]


class PlacedPart(NamedTuple):
    """A row of a picture in a row of a terminal, from a column to before another one, where text
    stands or the picture ends."""

    part: PicturePart
    start: int
    end: int


def placed_parts(row: TerminalRow) -> Iterator[PlacedPart]:
    """The rows of pictures that begin in a row of a terminal, from left to right."""
    column = 0
    begun: PlacedPart | None = None
    for span in row.spans:
        part = picture_part(span.style.link) if span.style is not None else None
        if part is not None and (begun is None or part != begun.part):
            if begun is not None:
                yield begun._replace(end=min(begun.end, column))
            begun = PlacedPart(part, column, column + part.columns)
        elif part is None and begun is not None and span.text.strip():
            blank = len(span.text) - len(span.text.lstrip())
            yield begun._replace(end=min(begun.end, column + blank))
            begun = None
        column += span.cells
    if begun is not None:
        yield begun


class CellPictures:
    """Pictures of a session's terminals, which `view` shows."""

    def __init__(self, requester: Requester, graphics: Graphics, view: Widget) -> None:
        self._requester = requester
        self._graphics = graphics
        self._view = view
        self._artifacts: Sequence[Artifact] = ()
        self._digests: dict[str, str] = {}
        self._painted: dict[_PaintingKey, Painting] = {}
        self._tried: set[_PaintingKey] = set()
        """Those that are painted, are being painted, or cannot be."""

    def take(self, artifacts: Sequence[Artifact]) -> None:
        """Note which pictures the session has."""
        if artifacts is self._artifacts:
            return
        self._artifacts = artifacts
        digests = {each.id: each.digest for each in artifacts if each.id.startswith(_PREFIX)}
        if digests != self._digests:
            self._digests = digests
            self._view.refresh()

    def clear(self) -> None:
        """Paint all of them anew, on another ground."""
        for painting in self._painted.values():
            self._forget(painting)
        self._painted.clear()
        self._tried.clear()

    def strip(self, placed: PlacedPart, ground: str, *, is_whole: bool) -> Strip | None:
        """The cells of a row of a picture; None where it is not painted (yet). `is_whole`: nothing
        is in front of it."""
        part = placed.part
        key = part.key, part.columns, part.rows
        painting = self._painted.get(key)
        if painting is None:
            self._want(key, part, ground)
            return None
        is_whole = is_whole and placed.end - placed.start == part.columns
        rows = painting.rows if is_whole else painting.covered
        if part.row >= len(rows):
            return None
        width = min(placed.end - placed.start, painting.extent.columns)
        return rows[part.row] if is_whole else rows[part.row].crop(0, width)

    def _want(self, key: _PaintingKey, part: PicturePart, ground: str) -> None:
        digest = self._digests.get(part.artifact_id)
        if digest is None or key in self._tried or self._graphics.way == "none":
            return
        self._tried.add(key)
        self._requester.run(self._paint(key, digest, ground), "cell-pictures")

    async def _paint(self, key: _PaintingKey, digest: str, ground: str) -> None:
        from codeexec.tui.graphics.images import WHOLE, Extent, decode  # not at the start
        from codeexec.tui.graphics.painting import paint

        blob = await self._requester.ask_quietly(ReadBlob(digest))
        if blob is None:
            return
        _, columns, rows = key
        try:
            image = await asyncio.to_thread(decode, blob.data, Color.parse(ground))
        except DocumentError:
            return  # the label stays, and the artifact says why
        extent = Extent(columns, rows)
        painting = await asyncio.to_thread(paint, image, extent, WHOLE, self._graphics)
        self._painted[key] = painting
        while len(self._painted) > _MOST_PAINTED:
            oldest = next(iter(self._painted))
            self._forget(self._painted.pop(oldest))
            self._tried.discard(oldest)
        self._write(painting.sent)
        self._view.refresh()

    def _write(self, sequence: str) -> None:
        # The driver's queue is the one way to the terminal that keeps its order with the frames.
        driver = self._view.app._driver
        if sequence and driver is not None:
            driver.write(sequence)

    def _forget(self, painting: Painting) -> None:
        if painting.image_id:
            from codeexec.tui.graphics import kitty

            self._write(kitty.delete(painting.image_id, tmux=self._graphics.tmux))
