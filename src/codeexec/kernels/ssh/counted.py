"""Counts the messages of kernels that keep none of them, where the relay has no room for more."""

from __future__ import annotations

from codeexec.kernels.jupyter.line.gaps import MessageCounter
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.transport import Channel, LineReceiver, Receiver

ROOM = 64 << 20
"""Bytes of a channel that the relay reads ahead while the line is cut. Above that the kernel drops
what it says."""


class CountedMessages:
    """A Receiver in front of another one, which it tells how many messages are missing where the
    relay had no room for more."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._counter = MessageCounter()

    @property
    def line(self) -> LineReceiver:
        return self._receiver.line

    @property
    def is_busy(self) -> bool:
        return self._receiver.is_busy

    def suspect(self) -> None:
        """The relay reads no further: the kernel may drop what it says until it is idle."""
        self._counter.suspect(until_idle=True)
        self._receiver.line.no_room()

    def received(self, channel: Channel, message: Message) -> None:
        if channel != "iopub":
            self._counter.note_reply(message.id)
        else:
            is_idle = message.content.get("execution_state") == "idle"
            missing = self._counter.missing_before(message.id, message.session, is_idle=is_idle)
            if missing is not None:
                self._receiver.line.messages_missing(missing)
            if missing == 0:
                self._counter = MessageCounter()  # told once
        self._receiver.received(channel, message)

    def turned(self) -> bool:
        return self._receiver.turned()
