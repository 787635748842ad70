"""The connection to one kernel process: requests out, messages in, kernel events to a sink.

Every process gets a connection of its own, with its own transport, so that nothing which was asked
of one can reach the next.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Iterable, Mapping, Sequence

from codeexec.domain.errors import Busy, KernelDied
from codeexec.kernels.base import (
    ErrorRaised,
    ExecuteCall,
    KernelEvent,
    Overheard,
    Reached,
    Sink,
    Started,
    StreamWritten,
)
from codeexec.kernels.jupyter.interruption import Interruption
from codeexec.kernels.jupyter.known.late_output import LateOutput
from codeexec.kernels.jupyter.known.table import PLAIN
from codeexec.kernels.jupyter.line.cut_line import CutLine
from codeexec.kernels.jupyter.line.look_after import REPLY_GRACE
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.messages.event_batches import EventBatches
from codeexec.kernels.jupyter.messages.reports import plugin_code
from codeexec.kernels.jupyter.messages.slices import slices
from codeexec.kernels.jupyter.messages.translate import translate
from codeexec.kernels.jupyter.outbox.reader import (
    REPLY,
    REQUEST,
    OutboxReader,
    gap_text,
    lost_notice,
)
from codeexec.kernels.jupyter.outbox.spool import Record
from codeexec.kernels.jupyter.pending import NO_ANSWER, TRY_LATER, PendingRequests
from codeexec.kernels.jupyter.subshell import Subshell
from codeexec.kernels.jupyter.track import NO_INPUT, Tracker, is_about_question, question_id
from codeexec.kernels.jupyter.transport import Channel, OpenTransport
from codeexec.kernels.jupyter.widgets.comms import sent_id
from codeexec.kernels.jupyter.widgets.output import OutputWidgets

IDLE_GRACE = 5.0  # s without output after a reply, before we take its idle for lost
SLICE = 1 << 16
WIDGETS_EVERY = 0.1  # s between two states of a widget that are shown while code runs

LONGEST_ID = 100
MARK_EVERY = 100
"""Messages without any event after which the place is told all the same."""

START_AGAIN = "Restart the kernel."


class KernelConnection:
    """The Receiver of its transport; hands events to `sink` in bounded batches."""

    def __init__(
        self,
        open_transport: OpenTransport,
        endpoint: Mapping[str, object],
        identity: str,
        session: str,
        sink: Sink,
    ) -> None:
        """See `OpenTransport` for the middle three."""
        self._session = session
        self._tracker = Tracker()
        self._widgets = OutputWidgets()
        self._widget_timer: asyncio.TimerHandle | None = None
        self._batches = EventBatches(sink)
        self._events = self._batches.events
        self._marked = 0
        self._ending: tuple[str, int] = ("", 0)
        """The execution whose reply has come, and the number of its last output, which has not."""
        self._input_header = b"{}"
        self._input_id = ""
        self.interrupted = False
        """Whether the running execution was interrupted."""
        self.interruption = Interruption(self)
        self.was_shut_down = False
        """Whether another client has asked the kernel to end."""
        self.is_late = False
        """Whether the kernel is one whose output may come after it said that it is done."""
        self.known = PLAIN
        self._unanswerable: set[str] = set()
        self._late = LateOutput(self._put_out)
        self.heard = asyncio.Event()
        """Set as soon as anything was heard of the kernel's output."""
        self._waiting: set[asyncio.Task[None]] = set()
        self.line = CutLine(self, sink)
        self._transport = open_transport(endpoint, identity, session, self)
        self.requests = PendingRequests(self._transport.send)
        self._subshell = Subshell(self.requests)
        self.outbox = OutboxReader(
            self._transport.outbox_codec, self.requests, self._send_to_outbox, self
        )

    @property
    def is_busy(self) -> bool:
        return self._tracker.is_busy

    def is_open(self, execution: str) -> bool:
        """Whether it has begun, and not ended."""
        return self._tracker.is_open(execution)

    def is_idle_after(self, execution: str) -> bool:
        """Whether the kernel was done with it, though its reply has not come."""
        return self._tracker.waits_for_reply(execution)

    def close(self) -> None:
        """Close the transport and fail all pending requests."""
        if self._widget_timer is not None:
            self._widget_timer.cancel()
        self._transport.close()
        self.outbox.close()
        self.line.close()
        self._batches.close()
        for task in self._waiting:
            task.cancel()
        self._tracker.forget()
        self._subshell.close()
        self.requests.fail(KernelDied("The kernel went away.", START_AGAIN))

    async def hear_out(self, leftovers: Iterable[Record]) -> None:
        """After the death of the process: read and hand on what it has still said, and what it
        has left on disk."""
        await self._transport.drain(quiet=0.02, longest=1.0)
        await self.outbox.end(leftovers)
        self._late.release()

    # -- said --------------------------------------------------------------------------

    def execute(self, call: ExecuteCall) -> None:
        options = call.options
        content: dict[str, object] = {
            "code": call.code if call.plugin is None else plugin_code(call.plugin),
            "silent": options.silent,
            "store_history": options.store_history and not options.silent,
            "user_expressions": {},
            "allow_stdin": options.allow_stdin,
            "stop_on_error": options.stop_on_error,
        }
        self.interrupted = False
        self._tracker.begin(call.execution, call if self.known.aborts_next else None)
        if not (options.allow_stdin or self.known.refuses_input):
            self._unanswerable.add(call.execution)
        # See guest/outbox.py, guest/libraries/screen_width.py and tqdm_bars.py, and
        # guest/plugin_entry.py. Others ignore metadata.
        metadata: dict[str, object] = {}
        if options.columns:
            metadata["codeexec_columns"] = options.columns
        if options.draws_widgets:
            metadata["codeexec_widgets"] = True
        if call.session:
            metadata["codeexec_session"] = call.session
        if (number := self.outbox.take_acknowledgement()) is not None:
            metadata["codeexec_acknowledge"] = number
        self.send("shell", "execute_request", content, call.execution, metadata=metadata)

    def expect(self, execution: str) -> None:
        """This execution runs, and will end."""
        self._tracker.begin(execution)

    def answer_stdin(self, text: str) -> None:
        content: dict[str, object] = {"value": text, "status": "ok"}
        msg_id, parent = question_id(), self._input_header
        self._transport.send("stdin", "input_reply", content, msg_id=msg_id, parent=parent)

    def send_comm(self, comm_id: str, body: dict[str, object], execution: str) -> str:
        """Send a message of a client to a comm; what it puts out belongs to `execution`. Its id."""
        msg_id = sent_id(secrets.token_hex(6), execution)
        self._widgets.comms.note_sent(msg_id, comm_id, body)
        self.send("shell", "comm_msg", {"comm_id": comm_id, "data": body}, msg_id)
        return msg_id

    def send(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        msg_id: str = "",
        metadata: dict[str, object] | None = None,
    ) -> None:
        """Without a `msg_id` the reply is not awaited."""
        self._transport.send(
            channel, kind, content, msg_id=msg_id or question_id(), metadata=metadata
        )

    async def ask_beside(
        self, kind: str, content: dict[str, object], deadline: float, *, subshells: bool
    ) -> Message:
        """Ask beside running code where the kernel can answer then, else while it is idle; Busy."""
        subshell = ""
        if self._transport.answers_beside_code:
            pass
        elif subshells:
            subshell = await self._subshell.get()
        elif self.is_busy:
            raise Busy(NO_ANSWER, TRY_LATER)
        return await self.requests.ask("shell", kind, content, deadline, subshell=subshell)

    # -- heard -------------------------------------------------------------------------

    def received(self, channel: Channel, message: Message) -> None:
        if channel == "iopub":
            self.heard.set()
            self._late.note_message()
            if message.type != "comm_close" or not self.requests.answered(message):
                self.outbox.receive(message)
                if self._ending[1]:
                    self._end_at_last_output()
        elif channel == "stdin":
            if self.outbox.is_repairing:
                self.do_later(self.outbox.catch_up())  # which has the question too
            else:
                self.asked(message)
        elif message.type == "execute_reply":
            if not self.requests.answered(message):  # one of our helper code
                self.replied(message)
        elif not self.requests.answered(message) and message.type == REPLY:
            self.outbox.heard_last(message.content)

    def delivered(self, message: Message, skipped: int) -> None:
        parent = message.parent.msg_id
        if message.type == "shutdown_reply":
            self.was_shut_down = message.parent.session not in ("", self._session)
        if message.type == "status":
            if message.content.get("execution_state") == "idle":
                self._widgets.comms.idled(parent)
                self._settle_widgets()
                self._idled(parent)
        elif message.type == "execute_input" and self._is_theirs(message):
            self._overhear(message)
        elif is_about_question(message):
            pass  # kernels may tell of our helper code, though it is silent
        elif (owner := self._owner(message)) and not self._widgets.captures(message, owner):
            events = tuple(map(self._widgets.placed, translate(message, owner)))
            self._events += self._widgets.changes(now=bool(events))
            self._keep(events, message.number, skipped)
        self._events += self._widgets.changes(now=False)
        # else it was said at the kernel's start, before anything was run
        if self._events or self.outbox.reached - self._marked > MARK_EVERY:
            self._mark()

    def _owner(self, message: Message) -> str:
        return self._tracker.owner(message.parent.msg_id)

    def _settle_widgets(self) -> None:
        """Show what output widgets hold at the end of code, and tell the kernel."""
        self._events += self._widgets.changes(now=True, is_idle=True)
        for content in self._widgets.updates():
            self.send("shell", "comm_msg", content)

    def _is_theirs(self, message: Message) -> bool:
        """Whether it is about code of another client, which is new to us."""
        parent = message.parent
        theirs = parent.session not in ("", self._session)
        is_id = 0 < len(parent.msg_id) <= LONGEST_ID and parent.msg_id.isprintable()
        return theirs and is_id and not self._tracker.is_open(parent.msg_id)

    def _overhear(self, message: Message) -> None:
        parent, code = message.parent, message.content.get("code")
        self._tracker.overhear(parent.msg_id)
        overheard = Overheard(parent.msg_id, code if isinstance(code, str) else "", parent.username)
        self._keep((overheard, *translate(message, parent.msg_id)), message.number, 0)

    def replied(self, message: Message) -> None:
        refused = self._tracker.refused(message)
        if refused is not None and not self.interrupted:
            self.execute(refused)
            return
        if self.interrupted:
            self._tracker.interrupted_before(message)
        self._end(self._tracker.replied(message))
        if self._events:
            self._mark()
        execution = message.parent.msg_id
        # After an error the kernel refuses code until it is idle.
        is_numbered = message.number > 0 and bool(self.outbox.token)
        if is_numbered and message.content.get("status") == "ok":
            self._ending = (execution, message.number)
            self._end_at_last_output()
        if self._tracker.waits_for_idle(execution):
            self.outbox.look_for_tail(lambda: not self._tracker.waits_for_idle(execution))
            if not self.outbox.token:
                self.do_later(self._await_idle(execution))

    def _end_at_last_output(self) -> None:
        """End an execution of which all output has come; its idle would take a millisecond."""
        execution, number = self._ending
        if self.outbox.reached >= number:
            self._ending = ("", 0)
            if self._tracker.waits_for_idle(execution):
                self._settle_widgets()
                self._idled(execution)
                self._mark()

    def asked(self, message: Message) -> None:
        owner = self._owner(message)
        self._input_header = message.raw_header
        if owner in self._unanswerable:
            self._refuse_input(owner)
        elif owner and message.id != self._input_id:
            self._input_id = message.id
            self._keep(translate(message, owner), 0, 0)
            self.outbox.look_for_tail()

    def _refuse_input(self, execution: str) -> None:
        """Fail an execution that asks for input and allows none, and interrupt its code."""
        self._unanswerable.discard(execution)
        self._tracker.fail(execution, NO_INPUT)
        self._keep((ErrorRaised(execution, NO_INPUT),), 0, 0)
        self._batches.hand_on()
        self.do_later(self.interruption.repeat(execution))

    def lost(self, count: int) -> None:
        self._events.append(lost_notice(count))

    async def drained(self) -> None:
        self._plan_widgets()
        await self._batches.drain()

    def turned(self) -> bool:
        self._plan_widgets()
        return self._batches.turn()

    def _plan_widgets(self) -> None:
        """What is not told of widgets yet is told soon, also if no message follows."""
        if self._widgets.has_changes and self._widget_timer is None:
            loop = asyncio.get_running_loop()
            self._widget_timer = loop.call_later(WIDGETS_EVERY, self._show_widgets)

    def _show_widgets(self) -> None:
        """Code may be silent for long after it has set a widget."""
        self._widget_timer = None
        self._events += self._widgets.changes(now=True, is_idle=True)
        self._batches.hand_on()
        if not self.is_busy:
            self.outbox.look_for_tail()  # a thread sets it: no end of code will ask for the last

    # -- how executions end ------------------------------------------------------------

    @property
    def open_execution(self) -> str:
        """The first that has not ended; empty: none."""
        return self._tracker.open_execution

    def note_cut(self, execution: str) -> None:
        """Its request, and what tells its end, may be lost for good."""
        self._tracker.note_cut(execution)

    def note_missing(self, execution: str, at_most: int) -> None:
        """As many messages of it are lost for good, 0 where it is not known how many."""
        self._events.append(StreamWritten(execution, "stderr", gap_text(at_most)))

    def give_up(self, execution: str) -> None:
        """End an execution whose reply will not come any more."""
        self._put_out(self._tracker.give_up(execution, interrupted=self.interrupted))

    def _keep(self, events: tuple[KernelEvent, ...], number: int, skipped: int) -> None:
        """`number` is that of the message; its first `skipped` events are known already."""
        for event in events:
            if isinstance(event, ErrorRaised):
                self._tracker.note_error(event.execution, event.error)
            if isinstance(event, StreamWritten) and self.known.error_prefix:
                self._tracker.note_text(event.execution, event.text, self.known.error_prefix)
            if isinstance(event, Started):
                self._tracker.note_start(event.execution)
                if self.interrupted:
                    self.do_later(self.interruption.repeat(event.execution))
        if (
            len(events) == 1
            and isinstance(events[0], StreamWritten)
            and len(events[0].text) > SLICE
        ):
            events = tuple(slices(events[0], SLICE))
        for part, event in enumerate(events[skipped:], skipped + 1):
            self._events.append(event)
            if part < len(events) and self.outbox.token:
                self._events.append(Reached(self.outbox.token, number - 1, part))

    def _mark(self) -> None:
        """Tell the place in the outbox with the events that lead to it."""
        if self.outbox.token:
            self._marked = self.outbox.reached
            self._events.append(Reached(self.outbox.token, self._marked))

    def _idled(self, execution: str) -> None:
        self._end(self._tracker.idled(execution))
        if self._tracker.waits_for_reply(execution):
            self.do_later(self._await_reply(execution))

    def _end(self, events: tuple[KernelEvent, ...]) -> None:
        """Take events that end an execution, or none; late where its output may be late."""
        if not events or not self.is_late:
            self._events += events
            return
        self._late.hold(events)
        self.do_later(self._late.wait())

    def _put_out(self, events: Sequence[KernelEvent]) -> None:
        self._events += events
        self._batches.hand_on()

    def do_later(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _await_reply(self, execution: str) -> None:
        """A reply comes soon after idle, or it is in the outbox, or it is lost."""
        await asyncio.sleep(REPLY_GRACE)
        if self._tracker.waits_for_reply(execution):
            await self.outbox.catch_up()
        self.give_up(execution)

    async def _await_idle(self, execution: str) -> None:
        """A kernel without an outbox drops what waits to be read after a flood, also its idle."""
        heard = -1
        while self._tracker.waits_for_idle(execution):
            if heard == self._late.messages:
                self.lost(0)
                if self.line.may_miss(execution):
                    self.note_missing(execution, 0)
                self.give_up(execution)
                return
            heard = self._late.messages
            await asyncio.sleep(IDLE_GRACE)

    def _send_to_outbox(self, content: dict[str, object]) -> None:
        self.send("control", REQUEST, content)
