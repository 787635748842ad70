"""Events of a session as server-sent events, with comments that keep a quiet connection open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from codeexec.domain.errors import UsageError
from codeexec.domain.events import Recorded
from codeexec.domain.wire.checks import MAX_INTEGER
from codeexec.domain.wire.codec import encode
from codeexec.server.rest.routes import client
from codeexec.session.session import Session

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment is sent."""

_TYPE = "text/event-stream"


def is_event_stream(request: Request) -> bool:
    """Whether the client asks for server-sent events and not for lines of JSON."""
    accepted = ",".join(request.headers.getlist("accept")).lower()
    return any(each.partition(";")[0].strip() == _TYPE for each in accepted.split(","))


def last_event(request: Request, after: int) -> int:
    """The number of the last event that the client has: a browser that connects again tells it in
    `Last-Event-ID`, which is newer than the address. UsageError for no number of an event."""
    text = request.headers.get("last-event-id", "")
    if not text:
        return after
    if not (text.isascii() and text.isdecimal() and len(text) <= 16 and int(text) <= MAX_INTEGER):
        raise UsageError(f"Last-Event-ID {text[:40]!a} is no number of an event.")
    return int(text)


def event_stream(session: Session, after: int, *, is_full: bool) -> Response:
    """Events after number `after` and all that come, until the session or the client ends. Each
    has its number as `id`."""
    return StreamingResponse(
        _messages(session, after, is_full=is_full, keep_alive=KEEP_ALIVE),
        media_type=_TYPE,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(
    session: Session, after: int, *, is_full: bool, keep_alive: float
) -> AsyncIterator[bytes]:
    with session.join(client()):
        batches = session.events(after, "full" if is_full else "tail")
        pending = _next(batches)
        try:
            # Sent at once, so that the client knows that it is connected.
            yield b": connected\n\n"
            while True:
                await asyncio.wait({pending}, timeout=keep_alive)
                if not pending.done():
                    yield b": keep-alive\n\n"
                    continue
                try:
                    records = pending.result()
                except StopAsyncIteration:
                    return
                yield b"".join(_message(record) for record in records)
                pending = _next(batches)
        finally:
            pending.cancel()


def _next(batches: AsyncIterator[Sequence[Recorded]]) -> asyncio.Future[Sequence[Recorded]]:
    async def take() -> Sequence[Recorded]:
        return await anext(batches)

    return asyncio.ensure_future(take())


def _message(record: Recorded) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (record.seq, encode(record))
