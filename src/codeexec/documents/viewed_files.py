"""Files that are looked at rather than edited: which they are, and their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from codeexec.documents.files import read_plain
from codeexec.domain.errors import DocumentError
from codeexec.domain.text.words import size_words
from codeexec.hostfiles import files as hostfiles
from codeexec.hostfiles.place import locate

MOST_BYTES = 64 * 1024 * 1024
"""The largest file that is looked at."""

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".gif": "image/gif",
        ".webp": "image/webp",
        ".bmp": "image/bmp",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
        ".svg": "image/svg+xml",
        ".pdf": "application/pdf",
        ".wav": "audio/wav",
        ".mp3": "audio/mpeg",
        ".ogg": "audio/ogg",
        ".flac": "audio/flac",
        ".mp4": "video/mp4",
        ".webm": "video/webm",
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
        ".md": "text/markdown",
        ".markdown": "text/markdown",
        ".html": "text/html",
        ".htm": "text/html",
        ".json": "application/json",
        ".jsonl": "application/x-ndjson",
        ".ndjson": "application/x-ndjson",
        ".geojson": "application/geo+json",
        ".mmd": "text/vnd.mermaid",
        ".mermaid": "text/vnd.mermaid",
    }
)
"""MIME types of files of which there is more to see than their text, by the ends of their names."""

_BINARY = ("image/", "audio/", "video/", "application/pdf")


def is_only_viewed(path: Path) -> bool:
    """Whether the name is that of a picture, a PDF, a sound or a video, which hold no text."""
    mime = viewed_type(path)
    return mime.startswith(_BINARY) and mime != "image/svg+xml"


def viewed_type(path: Path) -> str:
    """The MIME type that a file is shown by; empty where its text is all there is to see."""
    return _TYPES.get(path.suffix.lower(), "")


def read_viewed(path: Path) -> bytes:
    """The bytes of a file of at most MOST_BYTES. Raises as `codeexec.documents.files.read_file`."""
    data, _ = read_plain(path, locate(path), lambda place, _: hostfiles.read(place, MOST_BYTES + 1))
    if len(data) > MOST_BYTES:
        raise DocumentError(
            f"{path.name} is larger than {size_words(MOST_BYTES)}.",
            "Open it with another program.",
        )
    return data
