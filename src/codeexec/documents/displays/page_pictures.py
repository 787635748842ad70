"""Pictures that texts of a page for browsers name as files: read for it, up to a limit."""

from __future__ import annotations

from pathlib import Path

from codeexec.documents.displays.markdown_pictures import (
    MarkdownPicture,
    picture_data,
    picture_parts,
)
from codeexec.domain.content.picture_head import picture_mime
from codeexec.domain.errors import CodeexecError

MOST_PICTURE_BYTES = 8_000_000
"""Of all pictures in the texts of one page."""


class PagePictures:
    """Reads pictures of the texts of one page, from below the folder of their document."""

    def __init__(self, folder: Path | None) -> None:
        """None: the document has no folder on this machine, so no picture is read."""
        self._folder = folder
        self._left = MOST_PICTURE_BYTES

    def of(self, text: str) -> dict[str, bytes]:
        """The pictures on lines of their own, by what the text names; without those that cannot be
        read, are no pictures, or are too many. Reads files."""
        pictures: dict[str, bytes] = {}
        for part in picture_parts(text):
            if not isinstance(part, MarkdownPicture) or part.target in pictures:
                continue
            try:
                data = picture_data(part.target, {}, self._folder)
            except CodeexecError:
                continue
            if len(data) <= self._left and picture_mime(data):
                pictures[part.target] = data
                self._left -= len(data)
        return pictures
