"""Pictures that texts of a page for browsers name as files: read for it, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from codeexec.documents.displays.markdown_pictures import (
    MarkdownPicture,
    inline_pictures,
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

    def of(self, text: str, attachments: Mapping[str, Any] | None = None) -> dict[str, bytes]:
        """The pictures of a text by `picture_key`, and those of the `attachments` of its cell that
        it names; without those that cannot be read, are no pictures, or are too many. Reads
        files."""
        pictures: dict[str, bytes] = {}
        for picture in _named(text):
            key = picture_key(picture.target)
            if key in pictures:
                continue
            try:
                data = picture_data(picture.target, attachments or {}, self._folder)
            except CodeexecError:
                continue
            if len(data) <= self._left and picture_mime(data):
                pictures[key] = data
                self._left -= len(data)
        return pictures


def picture_key(target: str) -> str:
    """What a text names, be it written with escapes (`%20`) or not."""
    return unquote(target)


def _named(text: str) -> Iterator[MarkdownPicture]:
    for part in picture_parts(text):
        if isinstance(part, MarkdownPicture):
            yield part
        else:
            yield from inline_pictures(part)
