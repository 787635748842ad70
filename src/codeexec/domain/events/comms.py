"""Events of comms, by which widgets in a kernel and in its clients share their state."""

from __future__ import annotations

from msgspec import field

from codeexec.domain.events.base import Event
from codeexec.domain.options import DEFAULT_KERNEL


class CommOpened(Event, frozen=True):
    """A kernel has opened a comm, with this state; of `jupyter.widget` it is a model of
    ipywidgets. `buffers` are base64, by key of the state. `is_partial`: values that are too large
    are left out."""

    comm_id: str
    target: str
    execution_id: str = ""
    state: dict[str, object] = field(default_factory=dict)
    buffers: dict[str, str] = field(default_factory=dict)
    is_partial: bool = False
    kernel: str = DEFAULT_KERNEL


class CommChanged(Event, frozen=True):
    """Keys of a comm's state have these values now; the kernel or a client has set them. Changes
    that follow each other at once are one event, with the last value of each key. `handled` names
    messages of clients (`CommSent.message_id`) that the kernel has handled. `messages` are the
    last ones that code has sent to the widget's own front end, as `send` of anywidget does,
    without what is binary in them."""

    comm_id: str
    state: dict[str, object] = field(default_factory=dict)
    buffers: dict[str, str] = field(default_factory=dict)
    handled: tuple[str, ...] = ()
    is_partial: bool = False
    kernel: str = DEFAULT_KERNEL
    messages: tuple[dict[str, object], ...] = ()


class CommClosed(Event, frozen=True):
    """The kernel has closed a comm; what it showed stays."""

    comm_id: str
    kernel: str = DEFAULT_KERNEL


CommEvent = CommOpened | CommChanged | CommClosed
