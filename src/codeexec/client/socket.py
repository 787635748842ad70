"""The engine behind a socket: asks, listens, and picks up again where a dropped line left off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from msgspec import Raw

from codeexec.client import spawn
from codeexec.client.api import Link
from codeexec.client.byte_streams import StreamReaders
from codeexec.client.calls import PendingCalls, is_safe, with_id
from codeexec.client.opening import connect
from codeexec.client.socket_session import SocketSession, request_frame
from codeexec.client.spawn import Starting
from codeexec.client.waiting import HELD_BYTES, LOCAL, EventListener, Patience, usual_patience
from codeexec.client.wire import Address, WebSocketConnection
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Denied, ServerUnavailable
from codeexec.domain.events import Recorded
from codeexec.domain.flow import OutputMode
from codeexec.domain.wire.codec import (
    check_server_schema,
    decode_recorded,
    decode_reply,
)
from codeexec.domain.wire.frames import (
    STOPPED,
    ClientFrame,
    ServerFrame,
    StreamChunk,
    decode_server,
    encode_frame,
    is_chunk,
)

if TYPE_CHECKING:
    from codeexec.client.ssh.logins import LineLogin
    from codeexec.domain.places.logins import AskUser

log = logging.getLogger(__name__)

R = TypeVar("R")

_POLL = 0.01
_STEADY = 1.0
"""Seconds after which a connection counts as good: the next one is then tried at once."""


class SocketHost:
    """The `HostClient` of a session server. Made inside a running loop; connects by itself.

    With `starting`, the server is the user's own on this machine, and is started again when it
    is gone (unless it was asked to end). With `must_answer`, a first connection that fails is
    final: calls then raise why.
    """

    def __init__(
        self,
        address: Address | None = None,
        client: q.ClientInfo | None = None,
        starting: Starting | None = None,
        patience: Patience | None = None,
        *,
        must_answer: bool = False,
    ) -> None:
        if address is None and starting is None:
            starting = spawn.begin()
        self._address = address
        self._starting = starting
        self._client = client or q.ClientInfo("client")
        self._patience = patience or (LOCAL if starting else usual_patience(address))
        self._loop = asyncio.get_running_loop()
        self._wire: WebSocketConnection | None = None
        self._number = 0
        self._calls = PendingCalls(self._longest_call, self._unavailable)
        self._listeners: dict[int, EventListener] = {}
        self._streams = StreamReaders(self._send_frame, self._next_number)
        self._link = Link("connecting")
        self._changed = asyncio.Event()
        self._lost = asyncio.Event()
        self._hurry = asyncio.Event()
        self._lost_reason = ""
        self._was_heard = False
        self._must_answer = must_answer
        self._login: LineLogin | None = None
        self._end: CodeexecError | None = None
        self._keeper = self._loop.create_task(self._keep(), name="link")

    # -- the interface of the engine ---------------------------------------------------------------

    @property
    def link(self) -> Link:
        return self._link

    async def links(self) -> AsyncIterator[Link]:
        """See `HostClient.links`; ends after `closed`."""
        while True:
            changed, link = self._changed, self._link
            yield link
            if link.state == "closed":
                return
            if link is self._link:
                await changed.wait()

    def retry_now(self) -> None:
        """Do not wait for the next attempt."""
        if self._login is not None:
            self._login.allow()
        self._hurry.set()

    def ask_logins(self, ask_user: AskUser) -> None:
        """Let the user answer what `ssh` asks as the line is opened."""
        if self._address is not None and self._address.ssh:
            from codeexec.client.ssh.logins import LineLogin  # few need it

            self._login = LineLogin(self._address, ask_user)

    def call(self, request: q.Request[R]) -> Coroutine[Any, Any, R]:
        return self.ask(request, None)

    def session(self, session_id: str) -> SocketSession:
        return SocketSession(self, session_id)

    async def __aenter__(self) -> SocketHost:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Detach. Sessions go on."""
        self._finish(ServerUnavailable("The connection was closed."))
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    # -- asking --------------------------------------------------------------------------

    def ask(self, request: q.Request[R], session: str | None) -> Coroutine[Any, Any, R]:
        """Send the request now, of a session or of the host; what waits for the answer."""
        try:
            return _reply(request, self._send(with_id(request), session))
        except CodeexecError as error:
            return _refusal(error)

    def _send(self, request: q.Request[R], session: str | None) -> asyncio.Future[Raw]:
        if self._end is not None:
            raise type(self._end)(self._end.message, self._end.next_step)
        number = self._next_number()
        frame = request_frame(number, session, request)
        return self._calls.ask(number, frame, self._wire, is_safe=is_safe(request))

    def _longest_call(self) -> float:
        """Seconds that a call waits for a connection."""
        is_loading = self._starting is not None and self._starting.is_loading()
        return self._patience.start if is_loading else self._patience.call

    def _unavailable(self) -> ServerUnavailable:
        return ServerUnavailable(
            f"The session server cannot be reached: {self._link.problem or 'no connection'}.",
            "It is tried again; `codeexec-tui doctor` says more.",
        )

    # -- listening -----------------------------------------------------------------------

    async def listen(
        self, session_id: str, after: int, output: OutputMode
    ) -> AsyncIterator[Sequence[Recorded]]:
        """See `SessionClient.events`."""
        listener = EventListener(session_id, output, after)
        self._subscribe(listener)
        try:
            while True:
                while listener.held:
                    records, size = listener.held.popleft()
                    listener.held_bytes -= size
                    yield records
                if listener.error is not None:
                    raise listener.error
                if listener.is_ended or self._end is not None:
                    return
                if listener.is_paused:
                    self._subscribe(listener)
                listener.wake.clear()
                await listener.wake.wait()
        finally:
            self._unsubscribe(listener)

    def _subscribe(self, listener: EventListener) -> None:
        listener.number, listener.is_paused = self._next_number(), False
        self._listeners[listener.number] = listener
        self._send_frame(
            ClientFrame(
                id=listener.number,
                listen=listener.session_id,
                after=listener.last,
                output=listener.output,
            )
        )

    def _unsubscribe(self, listener: EventListener) -> None:
        if self._listeners.pop(listener.number, None) is not None:
            self._send_frame(ClientFrame(stop=listener.number))

    def read_stream(
        self, session_id: str, stream_id: str, after: int
    ) -> AsyncIterator[StreamChunk]:
        """See `SessionClient.stream`."""
        return self._streams.read(session_id, stream_id, after)

    def _send_frame(self, frame: ClientFrame) -> None:
        if self._wire is not None:
            self._wire.send(encode_frame(frame))

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    # -- what comes ----------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        try:
            if is_chunk(data):
                self._streams.take(data)
                return
            frame = decode_server(data)
            records = tuple(map(decode_recorded, frame.events))
            if frame.server is not None:
                is_remote = self._address is not None and not self._address.is_local
                check_server_schema(frame.server.schema, frame.server.pid, is_remote=is_remote)
        except CodeexecError as error:
            log.error("%s", error)
            self._finish(error)
            self._lost.set()
            return
        self._was_heard = True
        if frame.listen:
            if not (frame.end and self._streams.finish(frame.listen)):
                self._take_events(frame, records, len(data))
        elif self._calls.take(frame):
            pass
        elif frame.error is not None and (listener := self._listeners.pop(frame.id, None)):
            listener.error = frame.error.error()
            listener.wake.set()
        elif frame.error is not None:
            self._streams.finish(frame.id, frame.error.error())

    def _take_events(self, frame: ServerFrame, records: tuple[Recorded, ...], size: int) -> None:
        listener = self._listeners.get(frame.listen)
        if listener is None:
            return  # it has stopped; this was on its way
        listener.take(records, size)
        if frame.end:
            del self._listeners[frame.listen]
            listener.is_ended = True
            listener.wake.set()
        elif listener.held_bytes > HELD_BYTES:
            self._unsubscribe(listener)
            listener.is_paused = True

    # -- the connection ------------------------------------------------------------------

    async def _keep(self) -> None:
        """Connect, and connect again, until closed or refused."""
        attempt = 0
        while self._end is None:
            try:
                wire = await self._connect()
            except Denied as error:
                self._finish(error)
                return
            except CodeexecError as error:
                problem = error if self._login is None else await self._login.mend(error)
                if problem is None:
                    continue
                if self._must_answer:
                    self._finish(problem)
                    return
                self._lost_reason = problem.message.rstrip(".")
                self._fail_if_hopeless(problem)
            else:
                self._connected(wire)
                began = self._loop.time()
                await self._stay(wire)
                if self._was_heard and self._loop.time() - began > _STEADY:
                    attempt = 0
                self._disconnected()
                if self._lost_reason == STOPPED:
                    self._finish(ServerUnavailable("The session server was stopped."))
                    return
                if attempt == 0:
                    self._set_link(Link("reconnecting", 1, None, self._lost_reason))
                    attempt = 1
                    continue  # the first attempt is made at once
            attempt += 1
            await self._rest(attempt)

    async def _rest(self, attempt: int) -> None:
        wait = self._patience.wait(attempt)
        retry_at = self._loop.time() + wait
        self._set_link(Link("reconnecting", attempt, retry_at, self._lost_reason))
        self._hurry.clear()
        try:
            await asyncio.wait_for(self._hurry.wait(), wait)
        except TimeoutError:
            return

    async def _connect(self) -> WebSocketConnection:
        if self._address is not None and self._starting is None:
            return await connect(self._address, self._take, self._on_lost, self._patience.connect)
        starting = self._starting
        assert starting is not None
        began = self._loop.time()
        while True:
            longest = self._patience.start if starting.is_loading() else self._patience.connect
            remaining = began + longest - self._loop.time()
            address = Address(socket=starting.socket())
            try:
                wire = await connect(address, self._take, self._on_lost, max(remaining, _POLL))
                starting.has_served = True
                return wire
            except ServerUnavailable as error:
                if (problem := starting.problem()) is not None:
                    self._starting = Starting(starting.paths, environ=starting.environ)
                    raise problem from error
                if remaining <= 0:
                    raise
                if starting.process is None or starting.process.poll() is not None:
                    # Nobody is on the way (or whoever was found another in its place).
                    self._starting = starting = await asyncio.to_thread(starting.again)
            await asyncio.sleep(_POLL)

    def _fail_if_hopeless(self, error: CodeexecError) -> None:
        """Fail pending calls at once if the server cannot start: waiting would not help."""
        if self._starting is not None:
            self._calls.fail(error)

    def _connected(self, wire: WebSocketConnection) -> None:
        self._must_answer = False
        if self._login is not None:
            self._login.allow()
        self._wire, self._was_heard = wire, False
        wire.send(encode_frame(ClientFrame(client=self._client)))
        self._calls.resend(wire)
        listeners, self._listeners = list(self._listeners.values()), {}
        for listener in listeners:
            self._subscribe(listener)
        self._streams.resume()
        self._set_link(Link("connected"))

    async def _stay(self, wire: WebSocketConnection) -> None:
        """Until the connection is lost; on a network, see to it that silence is noticed."""
        if self._address is None or self._address.is_local:
            await self._lost.wait()
        else:
            while not self._lost.is_set():
                try:
                    await asyncio.wait_for(self._lost.wait(), self._patience.ping)
                except TimeoutError:
                    if self._loop.time() - wire.heard_at > 2.5 * self._patience.ping:
                        wire.abort("the server has fallen silent")
                    wire.ping()
        self._lost.clear()

    def _on_lost(self, reason: str) -> None:
        self._lost_reason = reason
        self._lost.set()

    def _disconnected(self) -> None:
        self._wire = None
        self._calls.suspend()

    def _finish(self, error: CodeexecError) -> None:
        """Stop connecting, and fail all pending calls and listeners with the reason."""
        if self._end is not None:
            return
        self._end = error
        self._calls.fail(error)
        for listener in self._listeners.values():
            listener.wake.set()
        self._streams.close()
        self._set_link(Link("closed", problem=error.message))

    def _set_link(self, link: Link) -> None:
        if self._link.state == "closed":
            return
        self._link = link
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


async def _reply(request: q.Request[R], answer: asyncio.Future[Raw]) -> R:
    return cast(R, decode_reply(type(request).Answer, await answer))


async def _refusal(error: CodeexecError) -> R:
    raise error
