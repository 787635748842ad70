"""Facts, requests and replies to JSON and back: the only serialiser, with a version.

A journal or a peer of a newer schema is refused in words; fields that we do not know are
passed over, so that a field may be added without a new version.
"""

from __future__ import annotations

from typing import TypeVar, cast

import msgspec

from codeexec.domain.errors import ProtocolError
from codeexec.domain.events import AnyEvent, Recorded
from codeexec.domain.requests import AnyRequest, Reply, Request
from codeexec.domain.snapshot import Snapshot

SCHEMA = 1

R = TypeVar("R", bound=Reply)
S = TypeVar("S")
T = TypeVar("T")

UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises for JSON that it cannot read: wrong syntax or types, numbers of thousands of
digits, broken UTF-8 (all of them ValueError), and lists in lists in lists."""

_encoder = msgspec.json.Encoder()
_event = msgspec.json.Decoder(AnyEvent)
_recorded = msgspec.json.Decoder(Recorded)
_request = msgspec.json.Decoder(AnyRequest)
_snapshot = msgspec.json.Decoder(Snapshot)


def encode(value: AnyEvent | Recorded | Request[R] | Reply | Snapshot) -> bytes:
    """JSON in one line, UTF-8."""
    return _encoder.encode(value)


def mended(value: S) -> S:
    """The same, with a sign in place of half a surrogate pair (such as in a name that is no
    Unicode), and huge numbers in digits: no JSON of ours can hold them."""
    return msgspec.convert(_mended(msgspec.to_builtins(value)), type(value))


def _mended(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case int() if value.bit_length() > 63:
            return str(value)
        case dict():
            return {_mended(key): _mended(each) for key, each in value.items()}
        case list() | tuple():
            return [_mended(each) for each in value]
        case _:
            return value


def decode_snapshot(data: bytes | msgspec.Raw) -> Snapshot:
    return _decode(_snapshot, data, "snapshot")


def decode_event(data: bytes | str) -> AnyEvent:
    return cast(AnyEvent, _decode(_event, data, "event"))


def decode_recorded(data: bytes | str) -> Recorded:
    return _decode(_recorded, data, "event")


def decode_request(data: bytes | str) -> AnyRequest:
    return cast(AnyRequest, _decode(_request, data, "request"))


def decode_reply(answer: type[R], data: bytes | str | msgspec.Raw) -> R:
    try:
        return msgspec.json.decode(data, type=answer)
    except UNREADABLE as error:
        raise ProtocolError(f"The answer cannot be read: {error}.", _NEXT) from error


def check_schema(schema: int, what: str) -> None:
    """Refuse what a later version wrote."""
    if schema > SCHEMA:
        raise ProtocolError(
            f"{what} was written by a newer codeexec-tui (schema {schema}, ours is {SCHEMA}).",
            "Upgrade: pip install --upgrade codeexec-tui",
        )


_NEXT = "Both ends should run the same version of codeexec-tui."


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | str | msgspec.Raw, what: str) -> T:
    try:
        return decoder.decode(data)
    except UNREADABLE as error:
        raise ProtocolError(f"This {what} cannot be read: {error}.", _NEXT) from error
