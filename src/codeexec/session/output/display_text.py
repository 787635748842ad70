"""The text of a journaled display, its large parts read from the session's blobs."""

from __future__ import annotations

from codeexec.documents.displays.text import read_display
from codeexec.domain.content.mime import text_of
from codeexec.domain.errors import NotFound
from codeexec.domain.outputs import Display, MimePart
from codeexec.session.files.artifacts import BlobStore


def display_text(display: Display, blobs: BlobStore) -> str:
    """The display on one or several lines; parts that are no longer stored are passed over."""
    reading = read_display(display)
    try:
        part = next(reading)
        while True:
            part = reading.send(_read(part, blobs))
    except StopIteration as end:
        text: str = end.value
        return text


def _read(part: MimePart, blobs: BlobStore) -> str | None:
    if part.text is not None:
        return part.text
    try:
        return text_of(part.mime, blobs.read(part.blob or ""))
    except NotFound:
        return None  # let go, to keep within the quota
