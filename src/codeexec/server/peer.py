"""Connection of one client: its requests and its listeners, all on one WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Protocol, cast

from msgspec import Raw
from msgspec.structs import replace

from codeexec import __version__
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Denied, ProtocolError, Unavailable, UsageError
from codeexec.domain.events import Recorded
from codeexec.domain.wire.codec import SCHEMA, decode_request, encode
from codeexec.domain.wire.frames import (
    ClientFrame,
    Problem,
    ServerFrame,
    ServerHello,
    decode_client,
    encode_frame,
    events_frame,
    frame_number,
)
from codeexec.server.access.user_host import UserHost
from codeexec.server.browser.pages import SessionPages
from codeexec.server.leases import Leases
from codeexec.server.logs.request_id import begin_request
from codeexec.server.stream_sender import StreamSender
from codeexec.session.session import Session

log = logging.getLogger(__name__)

MAX_CALLS = 64
"""Questions of one client that may be open; more are not read until some are answered."""

FRAME_BYTES = 256 * 1024
"""Events are cut into frames of about this size, so that an answer never waits for long."""

_ENTRIES_AT_ONCE = 5000

_WATCHABLE = (*q.WATCHABLE, q.ListSessions, q.ListKernels, q.GetHostInfo)


class FrameChannel(Protocol):
    """Text messages both ways, and binary ones to the other end. Sending waits while the other
    end does not read; all raise ConnectionError (or end) when it is gone."""

    def __aiter__(self) -> AsyncIterator[str]: ...

    async def send(self, text: bytes) -> None: ...

    async def send_bytes(self, data: bytes) -> None: ...


class ListenerOpener(Protocol):
    """Opens TCP sockets that end with a client's connection."""

    async def open(self, request: q.OpenListener) -> q.ListenerOpened: ...


Owner = Callable[[Coroutine[object, object, None]], object]
"""Starts work that goes on when who asked for it has gone, and ends with the server."""


class ClientConnection:
    """`start` owns the tasks of requests, so that a hang-up does not cancel a kernel's restart.
    `listeners` opens TCP sockets for a client of the private socket. `leases` are told of the lease
    that the client holds. `pages` gives out addresses for browsers."""

    def __init__(
        self,
        host: UserHost,
        channel: FrameChannel,
        start: Owner,
        listeners: ListenerOpener | None = None,
        leases: Leases | None = None,
        pages: SessionPages | None = None,
    ) -> None:
        self._pages = pages
        self._tcp_listeners = listeners
        self._leases = leases or Leases()
        self._host = host
        self._channel = channel
        self._start = start
        self._client = q.ClientInfo(
            host.identity.agent or "client",
            watch_only=not host.identity.may("run"),
            is_agent=bool(host.identity.agent),
        )
        self._listeners: dict[int, asyncio.Task[None]] = {}
        self._senders: dict[int, StreamSender] = {}
        self._free = asyncio.Semaphore(MAX_CALLS)
        self._joined: dict[str, tuple[int, contextlib.ExitStack]] = {}
        self._tied: list[tuple[Session, str]] = []
        """Executions that are interrupted when this connection ends."""

    async def run(self) -> None:
        """Until the other end goes away."""
        async with asyncio.TaskGroup() as listeners:
            try:
                await self._send(
                    encode_frame(ServerFrame(server=ServerHello(__version__, SCHEMA, os.getpid())))
                )
                async for text in self._channel:
                    await self._take(text, listeners)
            except ConnectionError as error:
                log.debug("a client went away: %s", error)
            finally:
                self._leases.release(self._client.lease)
                for task in self._listeners.values():
                    task.cancel()
                for session, execution_id in self._tied:
                    self._start(interrupt_tied(session, execution_id, self._client))

    async def _take(self, text: str, listeners: asyncio.TaskGroup) -> None:
        number = 0
        try:
            frame = decode_client(text)
            number = frame.id
            if frame.client is not None:
                self._leases.release(self._client.lease)
                self._leases.hold(frame.client.lease)
                # A client that said that it only watches, or is an agent, cannot take it back.
                self._client = replace(
                    frame.client,
                    watch_only=self._client.watch_only or frame.client.watch_only,
                    is_agent=self._client.is_agent or frame.client.is_agent,
                )
            elif frame.stop is not None:
                self._senders.pop(frame.stop, None)
                if (task := self._listeners.pop(frame.stop, None)) is not None:
                    task.cancel()
            elif frame.taken is not None:
                if (sender := self._senders.get(number)) is not None:
                    sender.take(frame.taken)
            elif frame.listen is not None or frame.stream is not None:
                task = listeners.create_task(await self._follow(number, frame))
                self._listeners[number] = task
            elif bytes(frame.request):
                request = decode_request(bytes(frame.request))
                await self._free.acquire()
                self._start(self._answer(number, frame.session, request))
            else:
                raise ProtocolError(
                    "This frame asks for nothing.",
                    "Give it a `request`, `listen`, `stream`, `taken`, `stop` or `client`.",
                )
        except CodeexecError as error:
            await self._send(
                encode_frame(ServerFrame(id=number or frame_number(text), error=Problem.of(error)))
            )

    # -- answers -------------------------------------------------------------------------

    async def _answer(self, number: int, session: str | None, request: q.AnyRequest) -> None:
        begin_request()
        try:
            try:
                reply = await self._call(session, request)
                answer = ServerFrame(id=number, ok=Raw(await _encoded(reply)))
            except CodeexecError as error:
                answer = ServerFrame(id=number, error=Problem.of(error))
            except Exception as error:
                # Whoever asked must hear something, and the log the whole of it.
                log.exception("%s failed", type(request).__name__)
                answer = ServerFrame(id=number, error=Problem.of(internal(error)))
            with contextlib.suppress(ConnectionError):  # who asked may have gone
                await self._send(encode_frame(answer))
        finally:
            self._free.release()

    async def _call(self, session: str | None, request: q.AnyRequest) -> q.Reply:
        self._host.take_request()
        if not isinstance(request, _WATCHABLE):
            self._host.identity.require("run")
        if self._client.watch_only and not isinstance(request, _WATCHABLE):
            raise Denied("This connection only watches.", "Attach without --watch to change it.")
        if isinstance(request, q.HostRequest):
            return await self._host.call(cast("q.Request[q.Reply]", request))
        if isinstance(request, q.OpenPage | q.ClosePages):
            return await self._answer_page(request)
        if isinstance(request, q.OpenListener):
            if self._tcp_listeners is None:
                raise Denied(
                    "TCP listeners are opened on the private socket alone.",
                    "Run `codeexec-tui serve --bind` on the server's machine, as its user.",
                )
            return await self._tcp_listeners.open(request)
        if session is None:
            raise UsageError(f"{type(request).__name__} is asked of a session: name it.")
        untyped = cast("q.Request[q.Reply]", request)
        target = await self._host.find_session(session)
        reply = await target.call(untyped, self._client)
        if isinstance(request, q.Execute) and request.options.on_disconnect == "interrupt":
            assert isinstance(reply, q.Accepted)
            self._tied = [
                (session_of, each) for session_of, each in self._tied if is_open(session_of, each)
            ]
            self._tied.append((target, reply.execution_id))
        return reply

    async def _answer_page(self, request: q.OpenPage | q.ClosePages) -> q.Reply:
        if self._pages is None:
            raise Unavailable("This server has no pages for browsers.")
        if isinstance(request, q.ClosePages):
            return await self._pages.close(self._host, request)
        is_local = self._tcp_listeners is not None
        is_agent = self._client.is_agent
        return await self._pages.open(self._host, request, is_local=is_local, is_agent=is_agent)

    # -- events ---------------------------------------------------------------------------

    async def _follow(self, number: int, frame: ClientFrame) -> Coroutine[object, object, None]:
        """What sends the events of a session, or a byte stream of it, under this number."""
        if number in self._listeners:
            raise ProtocolError(f"{number} is taken by another listener.")
        self._host.take_request()
        if frame.stream is None:
            session = await self._host.find_session(frame.listen or "")
            return self._run_listener(number, self._send_events(number, session, frame))
        if frame.session is None:
            raise UsageError("A stream belongs to a session: name it.")
        session = await self._host.find_session(frame.session)
        stream = await session.find_stream(frame.stream)
        sender = StreamSender(number, stream, self._channel.send_bytes)
        self._senders[number] = sender
        return self._run_listener(number, sender.run(frame.after))

    async def _run_listener(self, number: int, work: Coroutine[object, object, None]) -> None:
        try:
            with self._host.hold_stream():
                await work
            await self._send(encode_frame(ServerFrame(listen=number, end=True)))
        except ConnectionError:
            return  # the reading side ends the connection
        except CodeexecError as error:
            problem = Problem.of(error)
            await self._send(encode_frame(ServerFrame(id=number, error=problem)))
        except Exception as error:
            # Other listeners and calls of this connection go on.
            log.exception("a listener failed")
            problem = Problem.of(internal(error))
            await self._send(encode_frame(ServerFrame(id=number, error=problem)))
        finally:
            work.close()  # it has not begun where there are too many
            if self._listeners.get(number) is asyncio.current_task():
                del self._listeners[number]
                self._senders.pop(number, None)

    async def _send_events(self, number: int, session: Session, frame: ClientFrame) -> None:
        with self._join(session):
            async for records in session.events(frame.after, frame.output):
                await self._send_batch(number, records)

    async def _send_batch(self, number: int, records: Sequence[Recorded]) -> None:
        pieces: list[bytes] = []
        size = 0
        for record in records:
            piece = encode(record)
            if pieces and size + len(piece) > FRAME_BYTES:
                await self._send(events_frame(number, pieces))
                pieces, size = [], 0
            pieces.append(piece)
            size += len(piece)
        if pieces:
            await self._send(events_frame(number, pieces))

    @contextlib.contextmanager
    def _join(self, session: Session) -> Iterator[None]:
        """A client counts once in a session, however many listeners it has there."""
        key = session.session_id
        count, stack = self._joined.get(key, (0, contextlib.ExitStack()))
        if count == 0:
            stack.enter_context(session.join(self._client))
        self._joined[key] = (count + 1, stack)
        try:
            yield
        finally:
            count, stack = self._joined.pop(key)
            if count > 1:
                self._joined[key] = (count - 1, stack)
            else:
                stack.close()

    async def _send(self, text: bytes) -> None:
        await self._channel.send(text)


def is_open(session: Session, execution_id: str) -> bool:
    """Whether the execution waits or runs."""
    view = session.recorder.find(execution_id)
    return view is not None and view.is_open


async def interrupt_tied(session: Session, execution_id: str, client: q.ClientInfo) -> None:
    """End an execution whose client has gone, unless it is over."""
    if not session.snapshot.closed and is_open(session, execution_id):
        # It may end in this moment, or the session with it.
        with contextlib.suppress(CodeexecError):
            await session.call(q.CancelExecution(execution_id), client)


async def _encoded(reply: q.Reply) -> bytes:
    """As JSON; what may be long is encoded in a thread."""
    if isinstance(reply, q.FileList) and len(reply.entries) > _ENTRIES_AT_ONCE:
        return await asyncio.to_thread(_encoded_list, reply)
    if isinstance(reply, q.FileContent | q.FileList | q.Blob | q.History | q.RowMatches):
        return await asyncio.to_thread(encode, reply)
    return encode(reply)


def _encoded_list(reply: q.FileList) -> bytes:
    # In pieces: between two of them other threads have their turn.
    pieces = [
        encode(q.FileList(reply.entries[start : start + _ENTRIES_AT_ONCE]))
        for start in range(0, len(reply.entries), _ENTRIES_AT_ONCE)
    ]
    inner = (piece.partition(b"[")[2].rpartition(b"]")[0] for piece in pieces)
    return b'{"entries":[' + b",".join(inner) + b"]}"


def internal(error: Exception) -> CodeexecError:
    """What we tell of a fault of our own, or of the system's limits."""
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return Unavailable(
            "The server has as many files open as it may.",
            "Stop sessions that you do not need, or raise the limit: ulimit -n",
        )
    return CodeexecError(
        f"The server failed: {type(error).__name__}: {error}.", "Its log has the whole of it."
    )
