"""Frames of a kernel's WebSocket to messages and back; pure.

Binary frames of the sub-protocol v1 hold the parts of a message as they are, without identities
and signature. The old form is JSON, in a binary frame where the message has buffers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import msgspec

from codeexec.domain.errors import ProtocolError
from codeexec.kernels.jupyter.messages.codec import Message, decode_message, encode, metadata_number
from codeexec.kernels.jupyter.transport import Channel

V1 = "v1.kernel.websocket.jupyter.org"
CHANNELS = ("shell", "control", "stdin", "iopub")
PARTS = 4
"""Of a message, before its buffers: header, parent header, metadata and content."""


class _JsonFrame(msgspec.Struct):
    channel: str
    header: msgspec.Raw
    content: msgspec.Raw
    parent_header: msgspec.Raw = msgspec.Raw(b"{}")
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_json_frame = msgspec.json.Decoder(_JsonFrame)


def encode_v1(channel: Channel, parts: Sequence[bytes]) -> bytes:
    """The frame of a message with these parts: header, parent header, metadata, content."""
    chunks = (channel.encode(), *parts)
    count = len(chunks) + 1
    offset = 8 * (count + 1)
    offsets = [offset]
    for chunk in chunks:
        offset += len(chunk)
        offsets.append(offset)
    return b"".join((struct.pack(f"<{count + 1}Q", count, *offsets), *chunks))


def encode_json(channel: Channel, parts: Sequence[bytes]) -> str:
    """The same in the old form."""
    header, parent, metadata, content = (msgspec.Raw(part) for part in parts)
    frame: dict[str, object] = {
        "channel": channel,
        "header": header,
        "parent_header": parent,
        "metadata": metadata,
        "content": content,
        "buffers": [],
    }
    return encode(frame).decode()


def decode_v1(frame: bytes) -> tuple[Channel, Message]:
    """ProtocolError where the frame is cut short or holds no message."""
    try:
        (count,) = struct.unpack_from("<Q", frame)
        if not PARTS + 2 <= count <= len(frame) // 8:
            raise ProtocolError("A frame of the server has too few parts.")
        offsets = struct.unpack_from(f"<{count}Q", frame, 8)
    except struct.error as error:
        raise ProtocolError("A frame of the server is cut short.") from error
    if list(offsets) != sorted(offsets) or offsets[-1] > len(frame):
        raise ProtocolError("A frame of the server is cut short.")
    name, header, parent, metadata, content, *buffers = (
        frame[begin:end] for begin, end in pairwise(offsets)
    )
    message = decode_message(header, parent, content, tuple(buffers), metadata_number(metadata))
    return _channel(name.decode("utf-8", "replace")), message


def decode_json(frame: bytes | str) -> tuple[Channel, Message]:
    """ProtocolError as above. A frame of text has no buffers."""
    buffers: tuple[bytes, ...] = ()
    text = frame.encode() if isinstance(frame, str) else frame
    if isinstance(frame, bytes):
        text, *rest = _split(frame)
        buffers = tuple(rest)
    try:
        parsed = _json_frame.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"A frame of the server cannot be read: {error}.") from error
    number = metadata_number(bytes(parsed.metadata))
    parent = bytes(parsed.parent_header)
    message = decode_message(bytes(parsed.header), parent, bytes(parsed.content), buffers, number)
    return _channel(parsed.channel), message


def _split(frame: bytes) -> list[bytes]:
    try:
        (count,) = struct.unpack_from(">I", frame)
        if not 1 <= count <= len(frame) // 4:
            raise ProtocolError("A frame of the server has no parts.")
        offsets = [*struct.unpack_from(f">{count}I", frame, 4), len(frame)]
    except struct.error as error:
        raise ProtocolError("A frame of the server is cut short.") from error
    return [frame[begin:end] for begin, end in pairwise(offsets)]


def _channel(name: str) -> Channel:
    if name not in CHANNELS:
        raise ProtocolError(f"The server has a channel {name[:40]!r}, which we do not know.")
    return cast("Channel", name)
