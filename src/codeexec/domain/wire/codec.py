"""Events, requests and replies to JSON and back: the only serialiser, with a version.

A journal or a peer of a newer schema is refused in words; fields that we do not know are
passed over, so that a field may be added without a new version.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar, get_args

import msgspec
from msgspec.structs import replace

from codeexec.domain.errors import ProtocolError
from codeexec.domain.events import AnyEvent, ExecutionQueued, Recorded
from codeexec.domain.options import NO_OPTIONS
from codeexec.domain.requests import AnyRequest, Execute, Reply, Request
from codeexec.domain.snapshot import Snapshot
from codeexec.domain.wire.schema import SCHEMA as SCHEMA
from codeexec.domain.wire.upgrade import flat_options, upgrade_event

R = TypeVar("R", bound=Reply)
S = TypeVar("S")
T = TypeVar("T")
D = TypeVar("D")

UNREADABLE = (ValueError, RecursionError)
"""What msgspec raises for JSON that it cannot read: wrong syntax or types, numbers of thousands of
digits, broken UTF-8 (all of them ValueError), and lists in lists in lists."""

_encoder = msgspec.json.Encoder()


# A decoder takes milliseconds to make, and no process needs all of them: a server decodes no
# recorded events, a client no requests.


@cache
def _event() -> msgspec.json.Decoder[AnyEvent]:
    return msgspec.json.Decoder(AnyEvent)


class _UnreadRecord(msgspec.Struct):
    """A `Recorded` whose event is not read yet."""

    seq: int
    at: float
    event: msgspec.Raw


class _Tag(msgspec.Struct):
    type: str


_unread_record = msgspec.json.Decoder(_UnreadRecord)
_tag = msgspec.json.Decoder(_Tag)


@cache
def _types_by_tag() -> dict[str, type[AnyEvent]]:
    return {kind.__struct_config__.tag: kind for kind in get_args(AnyEvent)}


@cache
def _event_of_type(kind: type[AnyEvent]) -> msgspec.json.Decoder[AnyEvent]:
    return msgspec.json.Decoder(kind)


@cache
def _request() -> msgspec.json.Decoder[AnyRequest]:
    return msgspec.json.Decoder(AnyRequest)


@cache
def _snapshot() -> msgspec.json.Decoder[Snapshot]:
    return msgspec.json.Decoder(Snapshot)


def encode(value: AnyEvent | Recorded | Request[R] | Reply | Snapshot) -> bytes:
    """JSON in one line, UTF-8."""
    return _encoder.encode(value)


def mended(value: S) -> S:
    """The same, with a sign in place of half a surrogate pair (such as in a name that is no
    Unicode), and huge numbers as digits: our JSON cannot hold them."""
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
    return _decode(_snapshot(), data, "snapshot")


def decode_event(data: bytes | str) -> AnyEvent:
    """An event of a journal, also of one that schema 1 wrote."""
    try:
        event = _event().decode(data)
    except UNREADABLE:
        event = _read(upgrade_event, data, "event")
    if isinstance(event, ExecutionQueued) and event.options == NO_OPTIONS:
        return replace(event, options=_read(flat_options, data, "event"))
    return event


def decode_recorded(data: bytes | str | msgspec.Raw) -> Recorded:
    return _read(_read_recorded, data, "event")


def _read_recorded(data: bytes | str | msgspec.Raw) -> Recorded:
    """By the decoder of its kind alone: one of all kinds takes 5 ms to make, for which the first
    output of a client would wait."""
    unread = _unread_record.decode(data)
    kind = _types_by_tag().get(_tag.decode(unread.event).type)
    # That of all kinds says what is wrong with a tag that is none of ours.
    decoder = _event() if kind is None else _event_of_type(kind)
    return Recorded(unread.seq, unread.at, decoder.decode(unread.event))


def decode_request(data: bytes | str) -> AnyRequest:
    """A request; the options of an `Execute` may stand beside its code, as in schema 1."""
    request = _decode(_request(), data, "request")
    if isinstance(request, Execute) and request.options == NO_OPTIONS:
        return replace(request, options=_read(flat_options, data, "request"))
    return request


def decode_reply(answer: type[R], data: bytes | str | msgspec.Raw) -> R:
    try:
        return msgspec.json.decode(data, type=answer)
    except UNREADABLE as error:
        raise ProtocolError(f"The answer cannot be read: {error}.", _NEXT) from error


def check_schema(schema: int, what: str) -> None:
    """ProtocolError for what a later version wrote."""
    if schema > SCHEMA:
        raise ProtocolError(
            f"{what} was written by a newer codeexec-tui (schema {schema}, ours is {SCHEMA}).",
            "Upgrade: pip install --upgrade codeexec-tui",
        )


def check_server_schema(schema: int, pid: int, *, is_remote: bool = False) -> None:
    """ProtocolError for a session server of another schema than ours; `pid` is its process."""
    if is_remote and schema != SCHEMA:
        age = "older" if schema < SCHEMA else "newer"
        raise ProtocolError(
            f"The server there is of an {age} version (schema {schema}, ours is {SCHEMA}).",
            "Install the same version of codeexec-tui on both machines.",
        )
    check_schema(schema, "What this server sends")
    if schema < SCHEMA:
        raise ProtocolError(
            f"The session server that runs is older (schema {schema}, ours is {SCHEMA}).",
            f"End it: kill {pid}. The next one takes up its sessions and kernels.",
        )


_NEXT = "Both ends should run the same version of codeexec-tui."


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | str | msgspec.Raw, what: str) -> T:
    return _read(decoder.decode, data, what)


def _read(read: Callable[[D], T], data: D, what: str) -> T:
    try:
        return read(data)
    except UNREADABLE as error:
        raise ProtocolError(f"This {what} cannot be read: {error}.", _NEXT) from error
