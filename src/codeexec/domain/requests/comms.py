"""Requests about comms of a kernel: what a user does with a widget."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from codeexec.domain.requests.base import Reply, Request


class CommSent(Reply, frozen=True):
    """The message is on its way; once the kernel has handled it, `CommChanged.handled` has its
    id. That waits for code that runs."""

    message_id: str


class CommUpdate(Struct, frozen=True, tag="update"):
    """Set keys of the state, such as `{"value": 7}`."""

    state: dict[str, object]


class CommMessage(Struct, frozen=True, tag="custom"):
    """A message of the widget's own, such as `{"event": "click"}` of a button."""

    content: dict[str, object]


class SendComm(Request[CommSent], frozen=True):
    """Send an update or a message to a comm of a kernel, as the widget in a browser does. NotFound
    where there is no such comm, Conflict where its kernel has ended since."""

    Answer: ClassVar[type[Reply]] = CommSent
    comm_id: str
    message: CommUpdate | CommMessage
