"""Frames on the pipe into a container: their kinds, limits and JSON content.

The guest's end is `guest/relay.py`. What comes from there is hostile until checked: the code that
we run has the guest's own user id. So payloads are bounded, streams may not exceed what was
granted, and an invalid frame ends the connection with a ProtocolError (and the container).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Protocol, cast

from codeexec.domain.errors import ProtocolError

PROTOCOL = 1
HEADER = struct.Struct(">BII")
"""Kind, number of the stream, process or request, and length of the payload in bytes."""
MOST = 1 << 18
"""Bytes of a payload at most."""
WINDOW = 1 << 19
"""Bytes of a stream that may be under way before they are granted again."""
LARGEST = (1 << 63) - 1
"""Of the numbers that a relay reports: more bytes than any machine has."""


class Kind(IntEnum):
    HELLO = 0
    SPAWN = 1
    OPEN = 2
    DATA = 3
    EOF = 4
    GRANT = 5
    CLOSE = 6
    SIGNAL = 7
    EXIT = 8
    FAILED = 9
    ASK = 10
    ANSWER = 11
    SWEEP = 12
    RESIZE = 13
    FULL = 14
    """The relay does not read a stream any further until more is granted."""


class FrameSender(Protocol):
    """Sends frames: the connection, as streams and processes see it."""

    def send(self, kind: Kind, number: int, payload: bytes = b"") -> None: ...
    def send_json(self, kind: Kind, number: int, content: object) -> None: ...
    async def drain(self) -> None: ...
    def forget(self, number: int) -> None:
        """Drop what still arrives for this stream."""


def encode(content: object) -> bytes:
    return json.dumps(content).encode()


def decode(payload: bytes) -> Mapping[str, object]:
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("The relay sent a frame that is not JSON.") from error
    if not isinstance(content, dict):
        raise ProtocolError("The relay sent a frame that is not an object.")
    return cast("Mapping[str, object]", content)


def optional_number(content: Mapping[str, object], name: str) -> int:
    """The same, 0 where it is not there."""
    return whole_number(content, name) if name in content else 0


def whole_number(content: Mapping[str, object], name: str) -> int:
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST:
        raise ProtocolError(f"The relay sent a frame without a number {name!r}.")
    return value
