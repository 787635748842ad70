"""Requests to a kernel whose reply is awaited: each gets one reply, or an error in words."""

from __future__ import annotations

import asyncio
from typing import Protocol

from codeexec.domain.errors import Busy, CodeexecError
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.track import question_id
from codeexec.kernels.jupyter.transport import Channel

NO_ANSWER = "The kernel does not answer while it runs code."
TRY_LATER = "Ask again when the run has ended."


class Send(Protocol):
    """`Transport.send`, as far as requests need it."""

    def __call__(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        *,
        msg_id: str,
        subshell: str = "",
    ) -> None: ...


class PendingRequests:
    """Pairs replies with their requests by the id of the parent message."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open: dict[str, asyncio.Future[Message]] = {}

    async def ask(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        deadline: float,
        *,
        subshell: str = "",
    ) -> Message:
        """Busy when no answer has come after `deadline` seconds."""
        msg_id = question_id()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._open[msg_id] = future
        try:
            self._send(channel, kind, content, msg_id=msg_id, subshell=subshell)
            return await asyncio.wait_for(future, deadline)
        except TimeoutError:
            raise Busy(NO_ANSWER, TRY_LATER) from None
        finally:
            del self._open[msg_id]

    def answered(self, message: Message) -> bool:
        """Whether the message answers a pending request."""
        future = self._open.get(message.parent.msg_id)
        if future is None:
            return False
        if not future.done():
            future.set_result(message)
        return True

    def fail(self, error: CodeexecError) -> None:
        """Fail all pending requests: no reply will come."""
        for future in self._open.values():
            if not future.done():
                future.set_exception(error)
