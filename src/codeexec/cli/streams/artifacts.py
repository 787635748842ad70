"""`run --artifacts DIR`: saves displays as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.content.charts import chart_library
from codeexec.domain.content.mime import content_of, is_json
from codeexec.domain.errors import DocumentError, StorageError
from codeexec.domain.outputs import Display, MimePart
from codeexec.hostfiles.files import make_folder, write
from codeexec.hostfiles.place import locate

if TYPE_CHECKING:
    from codeexec.cli.streams.parts import ReadPart

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/svg+xml": ".svg",
    "application/pdf": ".pdf",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/latex": ".tex",
    "application/json": ".json",
    "application/geo+json": ".geojson",
    "application/javascript": ".js",
}
"""MIME types saved as files, the richest first. Others (`application/vnd…+json`) are JSON."""


class ArtifactFolder:
    """Saves displays under the number of their piece and their own number: `02-1.png`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._piece = 1
        self._count = 0
        self._names: dict[str, str] = {}
        try:
            make_folder(folder, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"{folder} cannot be created: {error.strerror}.", "Give --artifacts another folder."
            ) from error

    def begin_piece(self, number: int) -> None:
        self._piece, self._count = number, 0

    async def keep(self, display: Display, read: ReadPart) -> Path | None:
        """Write the richest form of a display; returns its file, None for plain text. A display
        that is updated keeps its file."""
        part = _richest(display)
        if part is None:
            return None
        stem = self._names.get(display.key)
        if stem is None:
            self._count += 1
            stem = self._names[display.key] = f"{self._piece:02d}-{self._count}"
        text = await read(part)
        try:
            data = content_of(part.mime, text)
        except DocumentError:
            return None  # damaged; the printed display says so
        path = self._folder / f"{stem}{SUFFIXES.get(part.mime, '.json')}"
        try:
            # The user's code may have replaced the file or the folder by a link.
            write(locate(path), data, sync=False)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written: {error.strerror}.", "Give --artifacts another folder."
            ) from error
        return path


def _richest(display: Display) -> MimePart | None:
    for mime in SUFFIXES:
        if part := display.part(mime):
            return part
    return next(
        (part for part in display.parts if is_json(part.mime) or chart_library(part.mime)), None
    )
