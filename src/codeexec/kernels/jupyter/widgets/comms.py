"""Follows the comms of one kernel process by its messages, and tells them as few events.

A loop may update a progress bar thousands of times a second. Updates are gathered by comm and key,
and told `EVERY` seconds at most, and when the kernel is idle, so that the last value always is.
https://jupyter-client.readthedocs.io/en/stable/messaging.html#custom-messages
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from codeexec.kernels.base import CommEnded, CommStarted, CommUpdated, KernelEvent, Notice
from codeexec.kernels.jupyter.messages.codec import Message

EVERY = 0.05
"""Seconds between two tellings of what is set while code runs."""

MOST_OPENED = 3000
"""Comms that one execution may open; a slider has three."""

LARGEST = 1 << 20
"""Characters of a value that is kept; a larger one is left out of the state."""

MOST_MESSAGES = 100
"""Messages of a widget's own that are told at once: the last ones."""

LARGEST_MESSAGE = 1 << 16
"""Characters of one of them; a larger one is left out."""

LONGEST_ID = 100

SENT = "codeexec-w-"
"""How the ids of messages begin that clients send to comms; then a token, and the execution that
their output belongs to."""

_WITHOUT_NULLS = ("LayoutModel", "StyleModel")
"""Models that are mostly nulls, which mean the default: they are left out."""


def sent_id(token: str, execution: str) -> str:
    """The id of a message of a client, from which `execution_of` reads the execution."""
    return f"{SENT}{token}-{execution}"


def execution_of(message_id: str) -> str:
    """The execution that the output of a handled message belongs to; empty: it is none."""
    if not message_id.startswith(SENT):
        return ""
    return message_id.removeprefix(SENT).partition("-")[2]


@dataclass(slots=True)
class _Gathered:
    """What was set since the last telling."""

    state: dict[str, object] = field(default_factory=dict)
    buffers: dict[str, str] = field(default_factory=dict)
    handled: list[str] = field(default_factory=list)
    is_partial: bool = False
    messages: list[dict[str, object]] = field(default_factory=list)


class CommFollower:
    """`take` is called with each message of iopub, `events` tells what is due."""

    def __init__(self) -> None:
        self._opened: list[KernelEvent] = []
        self._changes: dict[str, _Gathered] = {}
        self._told_at = 0.0
        self._counts: dict[str, int] = {}
        """Comms by the execution that opened them."""
        self._refused: set[str] = set()
        self._sent: dict[str, tuple[str, dict[str, object]]] = {}
        """By message of a client: its comm, and what it sets that the kernel has not echoed."""

    @property
    def has_changes(self) -> bool:
        return bool(self._changes or self._opened)

    def note_sent(self, message_id: str, comm_id: str, body: Mapping[str, object]) -> None:
        """A client's message goes to the kernel. ipywidgets 7 does not echo what it sets."""
        state = body.get("state")
        self._sent[message_id] = (comm_id, dict(state) if isinstance(state, dict) else {})

    def take(self, message: Message, execution: str) -> None:
        """A message of a comm; `execution` is the one that it belongs to."""
        comm_id = message.content.get("comm_id")
        if not isinstance(comm_id, str) or not 0 < len(comm_id) <= LONGEST_ID:
            return
        match message.type:
            case "comm_open":
                self._open(comm_id, message, execution)
            case "comm_close" if comm_id not in self._refused:
                self._opened += [*self._told(comm_id), CommEnded(comm_id)]
            case "comm_msg" if comm_id not in self._refused:
                method, state = _update_of(message.content)
                if method in ("update", "echo_update"):
                    self._set(comm_id, *_kept(state, message))
                    if (sent := self._sent.get(message.parent.msg_id)) and sent[0] == comm_id:
                        for key in state:
                            sent[1].pop(key, None)
                elif method == "custom":
                    self._note_message(comm_id, message)

    def idled(self, message_id: str) -> None:
        """The kernel has handled a message of a client."""
        if (sent := self._sent.pop(message_id, None)) is not None:
            comm_id, state = sent
            if comm_id not in self._refused:
                self._set(comm_id, state, {}, False)
                self._changes[comm_id].handled.append(message_id)

    def set(self, comm_id: str, state: dict[str, object]) -> None:
        """Set keys of a state that the kernel leaves to its clients."""
        if comm_id not in self._refused:
            self._set(comm_id, _sized(state), {}, False)

    def events(self, *, now: bool) -> Iterator[KernelEvent]:
        """What was opened and closed, and unless it was told just before, what was set."""
        opened, self._opened = self._opened, []
        yield from opened
        if self._changes and (now or time.monotonic() - self._told_at >= EVERY):
            self._told_at = time.monotonic()
            for comm_id in list(self._changes):
                yield from self._told(comm_id)

    def _open(self, comm_id: str, message: Message, execution: str) -> None:
        count = self._counts.get(execution, 0) + 1
        self._counts = {execution: count}
        if count > MOST_OPENED:
            self._refused.add(comm_id)
            if count == MOST_OPENED + 1:
                self._opened.append(
                    Notice(
                        "warning",
                        "Too many widgets",
                        f"A cell has made more than {MOST_OPENED:,} widget models. Those after "
                        "them are shown as text and cannot be operated.",
                        "Show fewer widgets in one cell.",
                    )
                )
            return
        _, state = _update_of(message.content)
        if str(state.get("_model_name")).endswith(_WITHOUT_NULLS):
            state = {key: value for key, value in state.items() if value is not None}
        target = str(message.content.get("target_name") or "")[:LONGEST_ID]
        kept, buffers, is_partial = _kept(state, message)
        self._opened.append(CommStarted(comm_id, target, execution, kept, buffers, is_partial))

    def _set(
        self, comm_id: str, state: dict[str, object], buffers: dict[str, str], is_partial: bool
    ) -> None:
        change = self._changes.setdefault(comm_id, _Gathered())
        change.state |= state
        change.buffers |= buffers
        change.is_partial |= is_partial

    def _note_message(self, comm_id: str, message: Message) -> None:
        """A message for the widget's own front end."""
        body = message.content.get("data")
        content = body.get("content") if isinstance(body, dict) else None
        if isinstance(content, dict) and _is_small(content, LARGEST_MESSAGE):
            change = self._changes.setdefault(comm_id, _Gathered())
            change.messages = [*change.messages[1 - MOST_MESSAGES :], content]

    def _told(self, comm_id: str) -> Iterator[KernelEvent]:
        change = self._changes.pop(comm_id, None)
        if change is not None:
            yield CommUpdated(
                comm_id,
                change.state,
                change.buffers,
                tuple(change.handled),
                change.is_partial,
                tuple(change.messages),
            )


def _update_of(content: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The method and the state of a message; of a comm of another kind all that it carries."""
    body = content.get("data")
    if not isinstance(body, dict):
        return "", {}
    state = body.get("state")
    return str(body.get("method") or ""), state if isinstance(state, dict) else {}


def _kept(
    state: dict[str, object], message: Message
) -> tuple[dict[str, object], dict[str, str], bool]:
    """A state, its buffers as base64, and whether something is left out."""
    kept = _sized(state)
    is_partial = len(kept) < len(state)
    buffers: dict[str, str] = {}
    body = message.content.get("data")
    paths = body.get("buffer_paths") if isinstance(body, dict) else None
    for path, buffer in zip(
        paths if isinstance(paths, list) else (), message.buffers, strict=False
    ):
        is_key = isinstance(path, list) and len(path) == 1 and isinstance(path[0], str)
        if is_key and len(buffer) <= LARGEST:
            buffers[path[0]] = base64.b64encode(buffer).decode()
        else:
            is_partial = True
    return kept, buffers, is_partial


def _sized(state: Mapping[str, object]) -> dict[str, object]:
    """The keys whose values are not too large."""
    return {key: value for key, value in state.items() if _is_small(value)}


def _is_small(value: object, room: int = LARGEST) -> bool:
    waiting: list[object] = [value]
    while waiting and room >= 0:
        value = waiting.pop()
        room -= 8
        if isinstance(value, str):
            room -= len(value)
        elif isinstance(value, Mapping):
            room -= 20 * len(value)
            waiting += value.values()
        elif isinstance(value, Sequence):
            waiting += value
    return room >= 0
