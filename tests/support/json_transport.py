"""A second transport, for tests: messages as lines of JSON through a socket pair.

It carries what Jupyter's WebSocket protocol carries and nothing of ZeroMQ: no signatures, no
routing frames, so no outbox numbers. A bridge at the other end speaks ZeroMQ with the kernel.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping

from codeexec.kernels.jupyter.messages.codec import Message, Parent
from codeexec.kernels.jupyter.transport import Channel, LineReceiver, Receiver
from codeexec.kernels.jupyter.zmq_transport import ORDER, ZmqTransport

LIMIT = 1 << 26


class JsonTransport:
    """A Transport. `sent` has the channel and type of each request."""

    answers_beside_code = False

    def __init__(
        self, endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> None:
        self.sent: list[tuple[Channel, str]] = []
        self.received = 0
        self.is_closed = False
        self.outbox_codec = None
        self._receiver = receiver
        ours, theirs = socket.socketpair()
        self._bridge = asyncio.create_task(_Bridge(theirs).run(endpoint, identity, session))
        self._socket = ours
        self._writer: asyncio.StreamWriter | None = None
        self._backlog = bytearray()
        self._reading = asyncio.create_task(self._read())

    def send(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        *,
        msg_id: str,
        subshell: str = "",
        parent: bytes = b"{}",
        metadata: dict[str, object] | None = None,
    ) -> None:
        self.sent.append((channel, kind))
        request = {
            "channel": channel,
            "kind": kind,
            "content": content,
            "msg_id": msg_id,
            "subshell": subshell,
            "parent": json.loads(parent),
            "metadata": metadata or {},
        }
        line = json.dumps(request).encode() + b"\n"
        if self._writer is None:
            self._backlog += line
        else:
            self._writer.write(line)

    def close(self) -> None:
        self.is_closed = True
        self._reading.cancel()
        self._bridge.cancel()
        if self._writer is None:
            self._socket.close()
        else:
            self._writer.close()

    async def drain(self, quiet: float, longest: float) -> None:
        loop = asyncio.get_running_loop()
        end, before = loop.time() + longest, -1
        while before != self.received and loop.time() < end:
            before = self.received
            await asyncio.sleep(quiet)

    async def _read(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._socket, limit=LIMIT)
        self._writer.write(self._backlog)
        while line := await reader.readline():
            given = json.loads(line)
            message = Message(
                given["header"]["msg_type"],
                given["header"]["msg_id"],
                Parent(**given["parent"]),
                given["content"],
                json.dumps(given["header"]).encode(),
            )
            self.received += 1
            self._receiver.received(given["channel"], message)
            is_more = self._receiver.turned()
            while is_more:
                await asyncio.sleep(0)
                is_more = self._receiver.turned()


class _Bridge:
    """The server's end: ZeroMQ to lines of JSON, and back."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._writer: asyncio.StreamWriter | None = None

    @property
    def is_busy(self) -> bool:
        return False

    async def run(self, endpoint: Mapping[str, object], identity: str, session: str) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._end, limit=LIMIT)
        kernel = ZmqTransport(endpoint, identity, session, self)
        try:
            while line := await reader.readline():
                request = json.loads(line)
                assert request["channel"] in ORDER
                kernel.send(
                    request["channel"],
                    request["kind"],
                    request["content"],
                    msg_id=request["msg_id"],
                    subshell=request["subshell"],
                    parent=json.dumps(request["parent"]).encode(),
                    metadata=request["metadata"],
                )
        finally:
            kernel.close()
            self._writer.close()

    def received(self, channel: Channel, message: Message) -> None:
        parent = message.parent
        given = {
            "channel": channel,
            "header": json.loads(message.raw_header),
            "parent": {
                "msg_type": parent.msg_type,
                "msg_id": parent.msg_id,
                "session": parent.session,
                "username": parent.username,
            },
            "content": message.content,
        }
        assert self._writer is not None
        self._writer.write(json.dumps(given).encode() + b"\n")

    def turned(self) -> bool:
        return False

    @property
    def line(self) -> LineReceiver:
        raise AssertionError("sockets of this machine lose nothing")
