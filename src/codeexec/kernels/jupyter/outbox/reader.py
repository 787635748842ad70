"""Reads a kernel's outbox: delivers its messages in order by number, each once, and asks again
for those that are missing. The kernel's end is `guest/outbox.py`."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from codeexec.domain.errors import Busy, KernelDied, ProtocolError
from codeexec.kernels.base import Handle, Notice, Reached
from codeexec.kernels.jupyter.messages.codec import Message, MessageCodec
from codeexec.kernels.jupyter.outbox.spool import Record
from codeexec.kernels.jupyter.pending import PendingRequests

log = logging.getLogger(__name__)

REQUEST, REPLY = "codeexec_outbox_request", "codeexec_outbox_reply"
ANNOUNCEMENT = "codeexec_outbox"
"""In a kernel_info_reply: `token` of the process, and its `last` number."""

ROOM = 1 << 20
"""Bytes that are asked for at once; the control channel stays free for interrupts between."""

DEADLINE = 5.0
PATIENCE = 3
"""Requests in a row that bring nothing, while output comes, after which there is no outbox."""

ACKNOWLEDGE_EVERY = 0.5
ACKNOWLEDGE_FEW = 4.0
FEW = 50
"""Messages whose acknowledgement can wait longer: it costs the kernel as much as short code."""
ACKNOWLEDGE_ALONG = 1.0
"""Seconds after which it is sent along with an execution, where it costs next to nothing."""
TAIL_WAIT = 0.3
"""Seconds without a new message after which the last ones are asked for."""

DRAIN_EVERY = 500
"""Messages of a dead kernel between two pauses for what they have led to."""

MOST_AHEAD = 20_000
"""Messages kept that came before those that are missing; more are asked for again later."""


class Announcement(msgspec.Struct, frozen=True):
    """`owner` is the session that has installed it, empty where our launcher has."""

    token: str
    last: int
    owner: str = ""


class Answer(msgspec.Struct, frozen=True):
    """The content of a reply; `frames` counts those of each message in the buffers, of which the
    first `messages` are of iopub, numbered from `first` on."""

    token: str
    last: int
    first: int
    dropped: int
    messages: int
    replies: int
    question: bool
    taken: list[str]
    frames: list[int]
    kept: list[str] = []
    """The frames in base64, in place of buffers."""


class Listener(Protocol):
    """Takes what the reader has put in order."""

    def delivered(self, message: Message, skipped: int) -> None:
        """The next message of iopub; its first `skipped` events are known already."""

    def replied(self, message: Message) -> None:
        """An execute_reply that may have been heard before."""

    def asked(self, message: Message) -> None:
        """An input_request that may have been heard before."""

    def lost(self, count: int) -> None:
        """As many messages are gone for good, in this place; 0: it is not known how many."""

    async def drained(self) -> None:
        """All that was delivered has been handed on."""


class OutboxReader:
    """Of one kernel process. Until `begin` all messages pass as they come."""

    def __init__(
        self,
        codec: MessageCodec | None,
        requests: PendingRequests,
        send: Callable[[dict[str, object]], None],
        listener: Listener,
    ) -> None:
        """`codec` reads kept messages; None: the transport carries no outbox. `send` sends the
        content of a request whose reply is passed to `heard_last`."""
        self._codec = codec
        self._requests = requests
        self._send = send
        self._listener = listener
        self._begun = Reached("", 0)
        self.reached = 0
        """All messages up to this number are delivered."""
        self.taken: frozenset[str] = frozenset()
        """Executions that the kernel has taken up, as of the last answer."""
        self._ahead: dict[int, Message] = {}
        self._repairing: asyncio.Task[None] | None = None
        self._journaled = self._acknowledged = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waits_long = False
        self._waits_since = 0.0
        self._tail_timer: asyncio.TimerHandle | None = None
        self._tails: list[Callable[[], bool]] = []

    @property
    def token(self) -> str:
        """Of the process; empty where there is no outbox."""
        return self._begun.token

    def place(self) -> Handle:
        """Where reading began, for the handle of the kernel."""
        begun = self._begun
        return {"token": begun.token, "number": begun.number, "part": begun.part}

    def announced(self, info: dict[str, object], owner: str = "") -> None:
        """A fresh kernel has answered with this kernel_info: read from here on, where the outbox
        is ours."""
        announcement = read_announcement(info)
        if announcement is not None and announcement.owner == owner:
            self.begin(Reached(announcement.token, max(announcement.last, self.reached)))

    def begin(self, place: Reached) -> None:
        """Read on from a place of this or of an earlier server."""
        if self._codec is None:
            return
        self._begun = place
        self.reached = self._journaled = place.number

    def abandon(self) -> None:
        """There is no outbox after all."""
        self._begun = Reached("", 0)
        self._let_through()

    def close(self) -> None:
        for timer in (self._timer, self._tail_timer):
            if timer is not None:
                timer.cancel()
        if self._repairing is not None:
            self._repairing.cancel()

    async def end(self, records: Iterable[Record]) -> None:
        """The kernel is dead and answers no more: deliver what it has left on disk, and what has
        come."""
        for count, (number, frames) in enumerate(records if self.token else ()):
            if number == 0 and (reply := self._unpack(frames)) is not None:
                self._listener.replied(reply)
            elif number > self.reached:
                if number > self.reached + 1:
                    self._listener.lost(number - self.reached - 1)
                if (message := self._unpack(frames, number)) is not None:
                    self._deliver(message, number)
                self.reached = number
            if count % DRAIN_EVERY == 0:
                await self._listener.drained()
        self._ahead = {n: message for n, message in self._ahead.items() if n > self.reached}
        self._let_through()

    # -- in order ----------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        """A message of iopub has come."""
        number = message.number
        if not number or not self.token:
            self.reached = max(self.reached, number)
            self._listener.delivered(message, 0)
        elif number == self.reached + 1:
            self._deliver(message, number)
            self._deliver_ahead()
        elif number > self.reached:
            if len(self._ahead) < MOST_AHEAD:
                self._ahead[number] = message
            self.repair()

    def _deliver(self, message: Message, number: int) -> None:
        self.reached = number
        begun = self._begun
        self._listener.delivered(message, begun.part if number == begun.number + 1 else 0)

    def _deliver_ahead(self) -> None:
        while self._ahead and (message := self._ahead.pop(self.reached + 1, None)) is not None:
            self._deliver(message, self.reached + 1)

    def _let_through(self) -> None:
        for number in sorted(self._ahead):
            if number > self.reached + 1:
                self._listener.lost(number - self.reached - 1)
            self._deliver(self._ahead[number], number)
        self._ahead.clear()

    # -- what is missing ---------------------------------------------------------------

    def repair(self) -> asyncio.Task[None]:
        """Ask for what is missing until everything is there."""
        if self._repairing is None or self._repairing.done():
            self._repairing = asyncio.create_task(self._repair(), name="repair-output")
        return self._repairing

    def look_for_tail(self, has_come: Callable[[], bool] = lambda: False) -> None:
        """The last messages may be missing: ask for them when no more come, unless `has_come` is
        true by then."""
        if self.token:
            if has_come not in self._tails:
                self._tails.append(has_come)
            self._look_later()

    def _look_later(self) -> None:
        if self._tail_timer is None:
            loop = asyncio.get_running_loop()
            self._tail_timer = loop.call_later(TAIL_WAIT, self._look, self.reached)

    def _look(self, old_reached: int) -> None:
        self._tail_timer = None
        self._tails = [has_come for has_come in self._tails if not has_come()]
        if not self._tails:
            return
        if self.reached == old_reached:
            self._tails.clear()
            self.repair()
        else:
            self._look_later()

    @property
    def is_repairing(self) -> bool:
        return self._repairing is not None and not self._repairing.done()

    async def catch_up(self) -> None:
        """Have everything that the kernel has sent until now."""
        if self._repairing is not None:
            await asyncio.wait({self._repairing})
        if self.token:
            await asyncio.wait({self.repair()})

    async def _repair(self) -> None:
        failures = 0
        while self.token and failures < PATIENCE:
            start, ahead = self.reached, len(self._ahead)
            content: dict[str, object] = {
                "acknowledge": self._journaled,
                "after": start,
                "room": ROOM,
            }
            try:
                reply = await self._requests.ask("control", REQUEST, content, DEADLINE)
                answer = self._read(reply)
            except KernelDied:
                return
            except Busy:
                # Native code may hold the whole process; then no output comes either.
                failures = failures + 1 if len(self._ahead) > ahead else 0
                continue
            except ProtocolError as error:
                log.warning("%s", error)
                break
            await self._listener.drained()
            if self.reached >= answer.last and not self._ahead:
                return
            failures = failures + 1 if self.reached == start else 0
        if self.token:
            self._listener.lost(0)
            self.abandon()

    def _read(self, reply: Message) -> Answer:
        """Take what an answer brings; ProtocolError where it makes no sense."""
        try:
            answer = msgspec.convert(reply.content, Answer)
        except msgspec.ValidationError as error:
            raise ProtocolError(f"The kernel's outbox answers wrongly: {error}.") from error
        groups = list(_groups(answer.frames, reply.buffers or _inline(answer.kept)))
        if answer.token != self.token or len(groups) < answer.messages + answer.replies:
            raise ProtocolError("The kernel's outbox is another one than it was.")
        self.taken = frozenset(answer.taken)
        if answer.dropped > 0:
            self._listener.lost(answer.dropped)
        self.reached = max(self.reached, answer.first - 1)
        for number, frames in enumerate(groups[: answer.messages], answer.first):
            if number > self.reached:
                self._ahead.pop(number, None)
                if (message := self._unpack(frames, number)) is not None:
                    self._deliver(message, number)
                self.reached = number
        for number in [number for number in self._ahead if number <= self.reached]:
            del self._ahead[number]
        self._deliver_ahead()
        others = groups[answer.messages :]
        for frames in others[: answer.replies]:
            if (message := self._unpack(frames)) is not None:
                self._listener.replied(message)
        if answer.question and self.reached >= answer.last:
            for frames in others[answer.replies :]:
                if (message := self._unpack(frames)) is not None:
                    self._listener.asked(message)
        return answer

    def _unpack(self, frames: tuple[bytes, ...], number: int = 0) -> Message | None:
        if self._codec is None:
            return None
        try:
            message = self._codec.unpack(frames)
        except ProtocolError as error:
            log.warning("outbox: %s", error)
            return None
        return msgspec.structs.replace(message, number=number)

    # -- what need not be kept any more --------------------------------------------------

    def acknowledge(self, place: Reached) -> None:
        """All up to this place is journaled; told to the kernel now and then."""
        if place.token != self.token or place.number <= self._journaled:
            return
        self._journaled = place.number
        are_few = self._journaled - self._acknowledged <= FEW
        if self._timer is not None and self._waits_long and not are_few:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._waits_long, self._waits_since = are_few, loop.time()
            seconds = ACKNOWLEDGE_FEW if are_few else ACKNOWLEDGE_EVERY
            self._timer = loop.call_later(seconds, self._acknowledge)

    def take_acknowledgement(self) -> int | None:
        """The number to acknowledge along with an execution that is being sent; None: not yet."""
        if self._timer is None:
            return None
        if asyncio.get_running_loop().time() - self._waits_since < ACKNOWLEDGE_ALONG:
            return None
        self._timer.cancel()
        self._timer = None
        self._acknowledged = self._journaled
        return self._acknowledged

    def _acknowledge(self) -> None:
        self._timer = None
        if self._journaled > self._acknowledged:
            self._acknowledged = self._journaled
            self._send({"acknowledge": self._journaled})

    def heard_last(self, content: dict[str, object]) -> None:
        """The kernel has answered an acknowledgement with the number of its last message."""
        last = content.get("last")
        if isinstance(last, int) and last > self.reached:
            self.look_for_tail(lambda: self.reached >= last)


def read_announcement(info: dict[str, object]) -> Announcement | None:
    """What a kernel_info_reply says of an outbox; None where the kernel has none."""
    try:
        announcement = msgspec.convert(info.get(ANNOUNCEMENT), Announcement)
    except msgspec.ValidationError:
        return None
    return announcement if announcement.token else None


def read_place(value: object) -> Reached | None:
    """A place from a handle or a journal; None where there is none."""
    if not isinstance(value, dict):
        return None
    token, number, part = value.get("token"), value.get("number"), value.get("part", 0)
    if not isinstance(token, str) or not isinstance(number, int) or not isinstance(part, int):
        return None
    return Reached(token, number, part) if token else None


def _inline(kept: list[str]) -> tuple[bytes, ...]:
    try:
        return tuple(map(base64.b64decode, kept))
    except ValueError as error:
        raise ProtocolError(f"The kernel's outbox answers wrongly: {error}.") from error


def _groups(sizes: list[int], frames: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    at = 0
    for size in sizes:
        if size < 1 or at + size > len(frames):
            return
        yield frames[at : at + size]
        at += size


def lost_notice(count: int) -> Notice:
    """Notice that `count` messages are lost; 0 stands for an unknown number."""
    if not count:
        why = "The kernel does not say any more what it has put out."
        return Notice("warning", "Output of the kernel may be missing", why)
    title = f"{count:,} messages of the kernel were dropped"
    why = "It put out more than it could keep while no session server listened."
    return Notice("warning", title, why)


def gap_text(at_most: int) -> str:
    """A line of output in the place of what is missing: `at_most` messages, 0 where it is not
    known how many."""
    count = f"at most {at_most:,}" if at_most else "an unknown number"
    noun = "message" if at_most == 1 else "messages"
    return f"[Output is missing here: {count} {noun} of the kernel did not arrive.]\n"
