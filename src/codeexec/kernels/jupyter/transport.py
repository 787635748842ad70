"""Transport: what carries messages between us and one kernel process (ZeroMQ, a WebSocket …)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from codeexec.kernels.jupyter.messages.codec import Message, MessageCodec

Channel = Literal["shell", "control", "stdin", "iopub"]


class LineReceiver(Protocol):
    """Is told by a transport that messages are lost on their way."""

    def restored(self) -> None:
        """The line was cut, and is there again: requests and messages may be lost."""

    def output_limited(self) -> None:
        """What carries the messages throws some of `iopub` away now."""

    def no_room(self) -> None:
        """What carries the messages takes no more of `iopub` now: the kernel may drop some."""

    def messages_missing(self, at_most: int) -> None:
        """Before the next message as many may be missing; 0: it is not known how many."""


class Receiver(Protocol):
    """The end of a connection that a transport delivers to, on the event loop."""

    @property
    def line(self) -> LineReceiver: ...

    @property
    def is_busy(self) -> bool:
        """Whether code that we have sent runs, or waits there to be run."""

    def received(self, channel: Channel, message: Message) -> None:
        """Called with each message. What a channel says keeps its order; a question on `stdin`
        is delivered after the output on `iopub` that came before it."""

    def turned(self) -> bool:
        """Called after each turn of reading: hand on what was gathered. True: more is waiting,
        call again in a later turn."""


class Transport(Protocol):
    """Open to one kernel process from its making to `close`.

    Each process of a kernel gets a transport of its own, so that nothing which was asked of one
    process can reach the next.
    """

    @property
    def outbox_codec(self) -> MessageCodec | None:
        """Reads messages that the kernel has kept in its outbox. None where messages arrive
        without their outbox numbers or replies without buffers: then no outbox is used."""

    @property
    def answers_beside_code(self) -> bool:
        """Whether questions on `shell` are answered while code runs there, without a subshell."""

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
        """Send a request with the header's id `msg_id`; returns at once and keeps the order.
        `parent` is a header as JSON (`Message.raw_header`), `metadata` goes into that of the
        message. After `close` nothing is sent."""

    def close(self) -> None:
        """Nothing more is sent or delivered. Can be repeated."""

    async def drain(self, quiet: float, longest: float) -> None:
        """Deliver what is still on its way: until nothing has come for `quiet` seconds, and for
        `longest` seconds at most."""


class OpenTransport(Protocol):
    """Opens a transport: `open_zmq` for kernels with a connection file."""

    def __call__(
        self, endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> Transport:
        """`endpoint` is what `KernelProcess.launch` returned: for ZeroMQ the content of a
        connection file. `identity` names us to the kernel's sockets and is the same after an
        adoption; `session` stands in the headers of our messages. `receiver` is not called
        before this has returned. ProtocolError."""
