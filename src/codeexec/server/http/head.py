"""Reads the head of an HTTP request: enough of it to decide whether the request may pass."""

from __future__ import annotations

import re

from msgspec import Struct

from codeexec.domain.errors import Denied, ProtocolError

MAX_HEAD = 16384
"""Bytes of request line and headers together."""

MAX_HEADERS = 200

_LINE = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]{1,16000}) HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}):[ \t]*+([^\x00\r\n]*+)")
_END = re.compile(rb"\r?\n\r?\n")


class Head(Struct, frozen=True):
    """`headers` are by lower-case name, with every value in the order in which they came."""

    method: str
    path: str
    query: str
    headers: dict[str, tuple[str, ...]]

    def header(self, name: str) -> str | None:
        """The only value of this header, or None. Denied when it stands there more than once:
        two readers of such a request may disagree on which one counts."""
        return only(self.headers.get(name, ()), name)


def only(values: tuple[str, ...] | list[str], name: str) -> str | None:
    """The value of a header that may stand in a request once. Denied when there are more."""
    if len(values) > 1:
        raise Denied(f"The header {name} stands in this request {len(values)} times.", "Send one.")
    return values[0] if values else None


def is_whole(data: bytes) -> bool:
    """Whether the empty line that ends a head has come."""
    return _END.search(data) is not None


def parse(data: bytes) -> Head:
    """The head at the beginning of `data`. ProtocolError when it is not HTTP/1."""
    end = _END.search(data)
    lines = re.split(rb"\r?\n", data[: end.start()] if end else data)
    if len(lines) > MAX_HEADERS + 1:
        raise ProtocolError(f"This request has more than {MAX_HEADERS} headers.", "Send fewer.")
    first = _LINE.fullmatch(lines[0])
    if first is None:
        raise ProtocolError("This is not an HTTP/1.1 request.", "Speak HTTP/1.1 to this address.")
    headers: dict[str, tuple[str, ...]] = {}
    for line in lines[1:]:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise ProtocolError("A header of this request cannot be read.", "Send valid HTTP/1.1.")
        name = header[1].decode("ascii").lower()
        headers[name] = (*headers.get(name, ()), header[2].decode("latin-1").strip())
    path, _, query = first[2].decode("ascii").partition("?")
    return Head(first[1].decode("ascii"), path, query, headers)
