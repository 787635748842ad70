"""One rule for the values of MIME types: which are text, which JSON, and which travel as base64.

Jupyter's messages and notebooks hold a display's forms as strings (or, for JSON types, as JSON).
Kernels send bytes as base64, and only the type says that they did.
https://nbformat.readthedocs.io/en/latest/format_description.html#display-data
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator

from codeexec.domain.errors import DocumentError

_TEXTS = frozenset(
    f"application/{name}"
    for name in (
        "ecmascript", "graphql", "javascript", "rtf", "sql", "toml", "typescript", "x-javascript",
        "x-latex", "x-ndjson", "x-python", "x-sh", "x-tex", "x-yaml", "xml", "yaml",
    )
)  # fmt: skip
FORMULAS = ("text/latex", "application/x-latex")
_BINARIES = ("image/", "audio/", "video/", "font/")
_BINARY = frozenset(
    f"application/{name}"
    for name in ("gzip", "octet-stream", "pdf", "x-hdf5", "x-npy", "x-tar", "zip")
)


def bare(mime: str) -> str:
    """The type without its parameters, in lower case."""
    return mime.partition(";")[0].strip().lower()


def is_json(mime: str) -> bool:
    """Whether a value of this type is JSON, not a string."""
    name = bare(mime)
    # Altair's `…v6.json` is not among them: a notebook may hold a text under it, and no object.
    return name == "application/json" or name.endswith("+json")


def is_text(mime: str) -> bool:
    """Whether a value of this type is the text itself."""
    name = bare(mime)
    is_structured = name.endswith(("+xml", "+yaml", ".json"))
    return name.startswith("text/") or name in _TEXTS or is_structured


def is_base64(mime: str) -> bool:
    """Whether a value of this type is base64: all that are neither text nor JSON.

    A type that we do not know may hold text all the same; then it does not decode.
    """
    return not is_text(mime) and not is_json(mime)


def decode_base64(text: str) -> bytes | None:
    """The bytes, or None where the text is no base64. Line breaks in it are passed over."""
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return None


def decode_pieces(texts: Iterable[str]) -> Iterator[bytes]:
    """The bytes of a base64 text that comes in pieces. Raises ValueError where it is none, as
    `decode_base64` returns None."""
    rest, has_ended = "", False
    for text in texts:
        text = rest + text.replace("\n", "").replace("\r", "")
        whole = len(text) - len(text) % 4
        rest = text[whole:]
        if whole:
            if has_ended:
                raise ValueError("base64 goes on after its end")
            yield base64.b64decode(text[:whole], validate=True)
            has_ended = text[whole - 1] == "="
    if rest:
        raise ValueError("base64 ends within a group of four")


def content_of(mime: str, text: str) -> bytes:
    """The bytes of a file with this value, as `MimePart.text` has it.

    Raises DocumentError for a picture, sound or archive that is no base64.
    """
    if not is_base64(mime):
        return text.encode("utf-8", "replace")
    data = decode_base64(text)
    if data is not None:
        return data
    if is_binary(mime):
        raise DocumentError(
            f"This {mime} is damaged: it is no base64.", "Run the code that made it again."
        )
    return text.encode("utf-8", "replace")


def text_of(mime: str, data: bytes) -> str:
    """The value as `MimePart.text` has it, from the bytes of its blob."""
    if is_base64(mime):
        return base64.b64encode(data).decode()
    return data.decode("utf-8", "replace")


def is_binary(mime: str) -> bool:
    """Whether the type is known to be binary, so that text under it can only be damage."""
    name = bare(mime)
    return is_base64(name) and (name.startswith(_BINARIES) or name in _BINARY)
