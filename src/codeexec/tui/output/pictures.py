"""Requests for the pictures of displays that are in view, and how one is painted."""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.errors import DocumentError
from codeexec.domain.outputs import MimePart
from codeexec.rendering.pictures import is_formula
from codeexec.tui.graphics.cell_size import CellSize
from codeexec.tui.graphics.images import WHOLE, Extent, decode, fit, shown_size
from codeexec.tui.graphics.probe import Graphics
from codeexec.tui.render.ansi import wrap_words
from codeexec.tui.theme.colors import Color
from codeexec.tui.theme.theme import Theme

_MOST_COLUMNS = 100


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A picture that is to be painted over at most `columns` by `rows` cells.

    `token` names this state of the picture and its width. Where there is room, it takes up to
    `enlargement` times its own size; a formula keeps its own.
    """

    key: str
    token: str
    part: MimePart
    columns: int
    rows: int
    enlargement: int = 1


class PictureRequests:
    """Each state of a picture is requested once; a picture for another state is not accepted."""

    def __init__(self, enlargement: int = 1) -> None:
        self._enlargement = enlargement
        self._tokens: dict[str, str] = {}
        """Of each display the token of its picture as it was requested last."""
        self._wanted: list[PictureRequest] = []

    def want(self, key: str, part: MimePart, width: int, rows: int) -> None:
        """The display `key` is in view, and its picture is not painted yet."""
        token = f"{key} {width} {part.blob or hash(part.text)}"
        if self._tokens.get(key) != token:
            self._tokens[key] = token
            columns = min(width, _MOST_COLUMNS)
            self._wanted.append(PictureRequest(key, token, part, columns, rows, self._enlargement))

    def take_wanted(self) -> list[PictureRequest]:
        """Pictures to paint now, each returned once."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def accepts(self, key: str, token: str) -> bool:
        """Whether a painted picture is still the one that was requested last."""
        return self._tokens.get(key) == token

    def forget(self, key: str) -> None:
        """Request this picture again when it comes into view."""
        self._tokens.pop(key, None)

    def clear(self) -> None:
        self._tokens.clear()
        self._wanted.clear()


def paint_picture(
    data: bytes, request: PictureRequest, graphics: Graphics, theme: Theme
) -> tuple[list[Strip], str]:
    """The rows of a picture, or of words that say why there is none (no rows for a formula, whose
    text is there); and the bytes that the terminal gets once before them. Takes tens of
    milliseconds, of a chart seconds: call it in a thread."""
    from codeexec.tui.graphics.painting import paint  # not at the start

    room, cell = Extent(request.columns, request.rows), CellSize(*graphics.cell)
    times = 1 if is_formula(request.part.mime) else request.enlargement
    try:
        image = decode(data, Color.parse(theme.color("surface")), request.part.mime)
        width, height = shown_size(data, image)
        extent = fit(width * times, height * times, room, cell)
        painting = paint(image, extent, WHOLE, graphics)
    except DocumentError as error:
        if is_formula(request.part.mime):
            return [], ""
        message = f"▣ {error.message}"  # with its size in pixels, where that is known
        return wrap_words([Segment(message, theme.style("muted"))], request.columns), ""
    return painting.rows, painting.sent
