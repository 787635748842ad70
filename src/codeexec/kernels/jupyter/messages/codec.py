"""Jupyter messages to bytes and back: signed, parsed only as far as they are needed.

jupyter_client's Session does the same in more words; importing it costs 280 ms, and it parses
every date of every message.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from codeexec.domain.errors import ProtocolError

DELIMITER = b"<IDS|MSG>"
VERSION = "5.4"
USERNAME = "codeexec"
OUTBOX_TAG = b"codeexec-outbox="
"""How the routing frame begins that holds a message's number; see guest/outbox.py."""
METADATA_NUMBER = b"codeexec_outbox"
"""Key of a message's metadata with its number, where it has no routing frame."""


class MessageHeader(msgspec.Struct, frozen=True):
    """Of a header, what we read."""

    msg_type: str
    msg_id: str = ""
    session: str = ""
    username: str = ""


class Parent(msgspec.Struct, frozen=True):
    """Of a parent header, what we read; all empty where a message has no parent."""

    msg_type: str = ""
    msg_id: str = ""
    session: str = ""
    username: str = ""


class Message(msgspec.Struct, frozen=True):
    """`content` is the decoded JSON object, `raw_header` as sent (replies to input carry it).
    `number` is its place in the kernel's outbox, 0 where it has none; in an execute_reply it is
    that of the last message before it. `session` is that of its sender."""

    type: str
    id: str
    parent: Parent
    content: dict[str, object]
    raw_header: bytes = b"{}"
    buffers: tuple[bytes, ...] = ()
    number: int = 0
    session: str = ""


class _Metadata(msgspec.Struct):
    codeexec_outbox: int = 0


_header = msgspec.json.Decoder(MessageHeader)
_parent = msgspec.json.Decoder(Parent)
_metadata = msgspec.json.Decoder(_Metadata)
_content = msgspec.json.Decoder(dict[str, object])
encode = msgspec.json.Encoder().encode


class MessageCodec:
    """Signs and checks with the key of one connection file (an empty key: no signatures)."""

    def __init__(self, key: str, scheme: str = "hmac-sha256", session: str = "") -> None:
        name = scheme.removeprefix("hmac-")
        if name not in hashlib.algorithms_available:
            raise ProtocolError(
                f"The kernel signs its messages with {scheme}, which we do not know.",
                "Start it with the scheme hmac-sha256.",
            )
        self._mac = hmac.new(key.encode(), digestmod=name) if key else None
        self.session = session or secrets.token_hex(16)

    def pack(
        self,
        kind: str,
        content: dict[str, object],
        *,
        msg_id: str,
        subshell: str = "",
        parent: bytes = b"{}",
        metadata: dict[str, object] | None = None,
    ) -> list[bytes]:
        """The frames of a request."""
        header = encode_header(kind, msg_id, self.session, subshell)
        body = [header, parent, encode(metadata or {}), encode(content)]
        return [DELIMITER, self._sign(body), *body]

    def unpack(self, frames: Sequence[bytes]) -> Message:
        """Read what came; ProtocolError where the signature or the JSON is wrong."""
        try:
            at = 0 if frames[0] == DELIMITER else list(frames).index(DELIMITER)
            signature, header, parent, metadata, content = frames[at + 1 : at + 6]
        except (ValueError, IndexError) as error:
            raise ProtocolError("A message of the kernel is cut short.") from error
        if self._mac is not None and not hmac.compare_digest(
            signature, self._sign((header, parent, metadata, content))
        ):
            raise ProtocolError("A message of the kernel is signed wrongly.")
        number = _number(frames[at - 1]) if at else metadata_number(metadata)
        return decode_message(header, parent, content, tuple(frames[at + 6 :]), number)

    def _sign(self, body: Sequence[bytes]) -> bytes:
        if self._mac is None:
            return b""
        mac = self._mac.copy()
        for part in body:
            mac.update(part)
        return mac.hexdigest().encode()


def encode_header(kind: str, msg_id: str, session: str, subshell: str = "") -> bytes:
    """The header of a request, as JSON."""
    header = {
        "msg_id": msg_id,
        "msg_type": kind,
        "session": session,
        "username": USERNAME,
        "version": VERSION,
        "date": datetime.now(UTC).isoformat(),
    }
    if subshell:
        header["subshell_id"] = subshell
    return encode(header)


def decode_message(
    header: bytes, parent: bytes, content: bytes, buffers: tuple[bytes, ...], number: int = 0
) -> Message:
    """The message of these parts. ProtocolError where the JSON is wrong."""
    try:
        head = _header.decode(header)
        return Message(
            head.msg_type,
            head.msg_id,
            _parent.decode(parent) if parent not in (b"{}", b"null", b"") else Parent(),
            decode_object(content),
            header,
            buffers,
            number,
            head.session,
        )
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolError(f"A message of the kernel cannot be read: {error}.") from error


def _number(frame: bytes) -> int:
    digits = frame[len(OUTBOX_TAG) :]
    if not frame.startswith(OUTBOX_TAG) or not digits.isdigit() or len(digits) > 18:
        return 0
    return int(digits)


def metadata_number(metadata: bytes) -> int:
    """The number that a message's metadata holds; 0: none."""
    if METADATA_NUMBER not in metadata:
        return 0
    try:
        return _metadata.decode(metadata).codeexec_outbox
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return 0  # user code may write what it likes there


def decode_object(raw: bytes) -> dict[str, object]:
    """An object of JSON as kernels send it. ValueError where it is none."""
    try:
        return _content.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Python's own writer lets NaN and lone surrogates through, and so kernels send them.
        loaded = json.loads(raw.decode("utf-8", "replace"))
        if not isinstance(loaded, dict):
            raise ValueError("it is no object of JSON") from None
        return loaded
