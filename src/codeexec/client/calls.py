"""Calls that have no answer yet: they are asked again when the line is back, or fail in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from msgspec import Raw, Struct
from msgspec.structs import replace

from codeexec.client.wire import WebSocketConnection
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, ServerUnavailable
from codeexec.domain.ids import EXECUTION, TERMINAL, new_id
from codeexec.domain.wire.frames import ServerFrame

R = TypeVar("R")

_ONCE = (
    *(q.Interrupt, q.RestartKernel, q.ShutDownKernel, q.PinArtifact, q.StopHost, q.OpenListener),
    *(q.MakeFolder, q.RenameFile, q.RemoveFile),
)
"""What is not asked again when the line drops before the answer: it would be done twice."""

_EXECUTIONS = (q.Execute, q.LoadPlugin, q.TestPlugin, q.UnloadPlugin)


def with_id(request: q.Request[R]) -> q.Request[R]:
    """The request with a new id, unless the client chose one: sent twice, it is done once."""
    if isinstance(request, _EXECUTIONS) and not request.execution_id:
        return cast("q.Request[R]", replace(request, execution_id=new_id(EXECUTION)))
    if isinstance(request, q.OpenTerminal) and not request.terminal_id:
        return cast("q.Request[R]", replace(request, terminal_id=new_id(TERMINAL)))
    return request


def is_safe(request: q.Request[R]) -> bool:
    """Whether it may be asked again when the line drops before the answer."""
    if isinstance(request, q.OpenSession):
        return bool(request.name)
    if isinstance(request, q.TypeInTerminal):
        return bool(request.number)
    return not isinstance(request, _ONCE)


class _Call(Struct):
    """A question as it is sent; `timer` ends it while there is no connection."""

    frame: bytes
    is_safe: bool
    answer: asyncio.Future[Raw]
    timer: asyncio.TimerHandle | None = None

    def fail(self, error: CodeexecError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class PendingCalls:
    """By number. Each fails with `unavailable()` when there is no connection for `limit()` s."""

    def __init__(
        self, limit: Callable[[], float], unavailable: Callable[[], ServerUnavailable]
    ) -> None:
        self._limit = limit
        self._unavailable = unavailable
        self._calls: dict[int, _Call] = {}

    def ask(
        self, number: int, frame: bytes, wire: WebSocketConnection | None, *, is_safe: bool
    ) -> asyncio.Future[Raw]:
        """Send the frame by `wire` now, or when there is a connection; the answer to wait for. One
        that nobody waits for any more is cancelled, and not asked again."""
        call = _Call(frame, is_safe, asyncio.get_running_loop().create_future())
        self._calls[number] = call
        call.answer.add_done_callback(lambda _: self._forget(number))
        if wire is not None:
            wire.send(frame)
        else:
            self._start_timer(call)
        return call.answer

    def take(self, frame: ServerFrame) -> bool:
        """Whether the frame answers one of them."""
        call = self._calls.get(frame.id)
        if call is None:
            return False
        if frame.error is not None:
            call.fail(frame.error.error())
        elif not call.answer.done():
            call.answer.set_result(frame.ok)
        return True

    def resend(self, wire: WebSocketConnection) -> None:
        """There is a connection."""
        for call in self._calls.values():
            if call.timer is not None:
                call.timer.cancel()
                call.timer = None
            if not call.answer.done():
                wire.send(call.frame)

    def suspend(self) -> None:
        """The connection was lost: what may not be asked again fails."""
        for call in self._calls.values():
            if call.is_safe:
                self._start_timer(call)
            else:
                call.fail(
                    ServerUnavailable(
                        "The connection was lost before the answer came.",
                        "It may have been done, or not: look, and ask again.",
                    )
                )

    def fail(self, error: CodeexecError) -> None:
        """All of them."""
        for call in list(self._calls.values()):
            call.fail(error)

    def _forget(self, number: int) -> None:
        call = self._calls.pop(number, None)
        if call is not None and call.timer is not None:
            call.timer.cancel()

    def _start_timer(self, call: _Call) -> None:
        if call.timer is None:
            loop = asyncio.get_running_loop()
            call.timer = loop.call_later(self._limit(), lambda: call.fail(self._unavailable()))
