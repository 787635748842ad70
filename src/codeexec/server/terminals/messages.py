"""Messages of the terminal socket: what a page sends, and what it is sent, as JSON objects."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from codeexec.domain.errors import ProtocolError
from codeexec.domain.wire.codec import UNREADABLE

MAX_MESSAGE = 1 << 20
"""Characters of one message."""


class CommandMessage(Struct, frozen=True, tag_field="type", tag="command"):
    """A line for the shell, without its newline."""

    command: str


class InterruptMessage(Struct, frozen=True, tag_field="type", tag="interrupt"):
    """Ctrl+C."""


class ResizeMessage(Struct, frozen=True, tag_field="type", tag="resize"):
    """The size of the page's terminal, in characters."""

    rows: int
    cols: int


class InputMessage(Struct, frozen=True, tag_field="type", tag="input"):
    """Keys as a terminal sends them; `content` is another name of `data`."""

    data: str = ""
    content: str = ""


ClientMessage = CommandMessage | InterruptMessage | ResizeMessage | InputMessage

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)


class ServerMessage(Struct, frozen=True, omit_defaults=True):
    """`content` belongs to `output`, `message` to `error`, `code` to `exit`."""

    type: Literal["output", "error", "prompt", "exit"]
    content: str | None = None
    message: str | None = None
    code: int | msgspec.UnsetType | None = msgspec.UNSET


def decode_message(text: str) -> ClientMessage:
    """ProtocolError for what is no message."""
    if len(text) > MAX_MESSAGE:
        raise ProtocolError("This message is too long.", f"Send at most {MAX_MESSAGE:,} bytes.")
    try:
        return _decoder.decode(text.encode("utf-8", "replace"))
    except UNREADABLE as error:
        raise ProtocolError(
            f"This message cannot be read: {error}.",
            'Send JSON objects such as {"type":"command","command":"ls -la"}.',
        ) from error


def encode_message(message: ServerMessage) -> bytes:
    return msgspec.json.encode(message)
