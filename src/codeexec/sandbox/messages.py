"""Messages between a process and its helper: two parts of bytes, with their lengths before them."""

from __future__ import annotations

import struct
from typing import BinaryIO

HEAD = struct.Struct(">II")
"""Before each message: the lengths of its two parts."""

MOST_BYTES = 80 * 1024 * 1024
"""Largest part of a message."""


def read_message(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """The two parts of a message; None at the end of the stream, or where it is no message."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    lengths = HEAD.unpack(head)
    if max(lengths) > MOST_BYTES:
        return None
    parts = [stream.read(length) for length in lengths]
    return (parts[0], parts[1]) if [*map(len, parts)] == [*lengths] else None


def write_message(stream: BinaryIO, first: bytes, second: bytes) -> None:
    stream.write(HEAD.pack(len(first), len(second)))
    stream.write(first)
    stream.write(second)
    stream.flush()
