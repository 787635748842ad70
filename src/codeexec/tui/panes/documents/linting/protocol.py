"""Messages of the Language Server Protocol over pipes: JSON with a header of its length.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from codeexec.domain.text.parsing import load_json

MOST_BYTES = 64 << 20
"""Longest message that is read."""

_MOST_HEADERS = 20


class LspError(Exception):
    """What came is no message, or is too long."""


def encoded(message: Mapping[str, Any]) -> bytes:
    """A message as it is sent. Lone surrogates, which are no text in JSON, become U+FFFD."""
    text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
    body = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode("utf-8")
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next message; None at the end of the stream. ProtocolError."""
    length = -1
    for _ in range(_MOST_HEADERS):
        try:
            header = await reader.readline()
        except ValueError as error:
            raise LspError("a header is too long") from error
        if not header:
            return None
        if not header.strip():
            break
        name, _, value = header.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value.strip()[:20])
    if not 0 <= length <= MOST_BYTES:
        raise LspError(f"a message of {length} bytes")
    try:
        message = load_json(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
    except ValueError as error:
        raise LspError("a message that is no JSON") from error
    if not isinstance(message, dict):
        raise LspError("a message that is no object")
    return message
