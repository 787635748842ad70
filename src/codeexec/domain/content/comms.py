"""Comms of kernels: the state of widgets as it is part of a snapshot."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from codeexec.domain.errors import UsageError
from codeexec.domain.events.comms import CommChanged, CommClosed, CommEvent, CommOpened

WIDGET = "jupyter.widget"
"""Target of the comms of ipywidgets."""

VIEW = "application/vnd.jupyter.widget-view+json"
"""The form of a display that names the model of a widget."""

KEPT_COMMS = 5000
KEPT_COMMS_WEIGHT = 4 * 2**20
"""Comms that a snapshot holds, and about how many characters; beyond it the oldest go."""


LARGEST_SENT = 1 << 20
"""About how many characters a client may send to a comm at once."""


class CommView(Struct, frozen=True, omit_defaults=True):
    """A comm that a kernel opened; of a widget one model. `state` is as the kernel and its clients
    have set it, without what is binary: `buffers` has that as base64, by key. `generation` is the
    process that opened it, which alone answers; `execution_id` the execution that opened it.
    `handled` has the last messages of clients that the kernel has handled. `is_partial`: values
    that are too large are left out of the state."""

    comm_id: str
    target: str
    kernel: str
    generation: int
    execution_id: str = ""
    state: dict[str, object] = {}
    buffers: dict[str, str] = {}
    handled: tuple[str, ...] = ()
    is_closed: bool = False
    is_partial: bool = False
    weight: int = 0


KEPT_HANDLED = 50
"""Messages of clients that a comm remembers as handled, the last ones."""


def fold_comm(comms: dict[str, CommView], event: CommEvent, generation: int) -> int:
    """Take an event into the comms of a session, in place; `generation` is that of the event's
    kernel. Returns by how much the weight of all has changed. The oldest go where there are too
    many (`bound_comms`)."""
    before = comms.get(event.comm_id)
    match event:
        case CommOpened():
            view = CommView(
                event.comm_id,
                event.target,
                event.kernel,
                generation,
                event.execution_id,
                event.state,
                event.buffers,
                is_partial=event.is_partial,
                weight=comm_weight(event.state, event.buffers),
            )
        case CommChanged() if before is not None:
            state = {**before.state, **event.state}
            buffers = {**before.buffers, **event.buffers}
            view = replace(
                before,
                state=state,
                buffers=buffers,
                handled=(*before.handled, *event.handled)[-KEPT_HANDLED:],
                is_partial=before.is_partial or event.is_partial,
                weight=comm_weight(state, buffers),
            )
        case CommClosed() if before is not None:
            view = replace(before, is_closed=True)
        case _:
            return 0  # of a comm that was let go
    comms[event.comm_id] = view
    return view.weight - (before.weight if before is not None else 0)


def bound_comms(comms: dict[str, CommView], weight: int) -> int:
    """Let go of the oldest comms where there are more than a snapshot may hold; the weight of
    those that stay."""
    while comms and (len(comms) > KEPT_COMMS or weight > KEPT_COMMS_WEIGHT):
        weight -= comms.pop(next(iter(comms))).weight
    return weight


def comm_weight(state: Mapping[str, object], buffers: Mapping[str, str]) -> int:
    """About how many characters a state holds."""
    return 300 + sum(map(len, buffers.values())) + _size(state)


def check_size(state: Mapping[str, object]) -> None:
    """UsageError for a message of a client that is too large."""
    if _size(state) > LARGEST_SENT:
        raise UsageError(
            f"A message to a widget has at most {LARGEST_SENT:,} characters.",
            "Set a variable in a cell instead.",
        )


def _size(value: object) -> int:
    size = 0
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, dict):
            size += 20 * len(value)
            waiting += value.values()
        size += 8
    return size
