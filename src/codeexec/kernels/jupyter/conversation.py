"""What is said between us and one kernel process, from its first word to its last.

Every process gets a conversation of its own, with its own sockets, so that nothing which was
asked of one can reach the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from codeexec.domain.errors import Busy, KernelDied
from codeexec.kernels.base import ExecuteCall, Fact, Raised, Sink, Wrote
from codeexec.kernels.jupyter.asking import NO_ANSWER, TRY_LATER, Questions
from codeexec.kernels.jupyter.channels import Channel, Channels
from codeexec.kernels.jupyter.track import Tracker, question_id
from codeexec.kernels.jupyter.translate import translate
from codeexec.kernels.jupyter.wire import Message, Wire

REPLY_GRACE = 0.3  # for a reply after idle, before we take it for lost
SUBSHELL_WAIT = 2.0
BATCH = 1 << 17  # characters that are handed on in one turn of the loop
SLICE = 1 << 16
LINE = 1 << 23  # the same where no line ends: a row is written whole each time that it has grown

START_AGAIN = "Restart the kernel."


class Conversation:
    """Hears its sockets as their Receiver, and hands facts to `sink` in bounded batches."""

    def __init__(
        self, connection: Mapping[str, object], identity: str, session: str, sink: Sink
    ) -> None:
        key, scheme = connection.get("key", ""), connection.get("signature_scheme")
        text = key.decode() if isinstance(key, bytes) else str(key)
        self._wire = Wire(text, str(scheme or "hmac-sha256"), session)
        self._sink = sink
        self._tracker = Tracker()
        self._facts: deque[Fact] = deque()
        self._input_header = b"{}"
        self._subshell: asyncio.Task[str] | None = None
        self.interrupted = False
        """Whether the running execution was interrupted."""
        self.heard = asyncio.Event()
        """Set as soon as anything was heard of the kernel's output."""
        self.questions = Questions(self.send)
        self._channels = Channels(connection, self._wire, identity, self)

    @property
    def is_busy(self) -> bool:
        return self._tracker.is_busy

    def close(self) -> None:
        """Nothing more is said or heard, and nobody waits for an answer any more."""
        self._channels.close()
        self._facts.clear()
        self._tracker.forget()
        if self._subshell is not None:
            self._subshell.cancel()
        self.questions.fail(KernelDied("The kernel went away.", START_AGAIN))

    async def hear_out(self) -> None:
        """After the death of the process: read and hand on what it has still said."""
        await self._channels.drain(quiet=0.02, longest=1.0)
        self._hand_on()

    # -- said --------------------------------------------------------------------------

    def execute(self, call: ExecuteCall) -> None:
        content: dict[str, object] = {
            "code": call.code,
            "silent": call.silent,
            "store_history": call.store_history and not call.silent,
            "user_expressions": {},
            "allow_stdin": call.allow_stdin,
            "stop_on_error": call.stop_on_error,
        }
        self.interrupted = False
        self.expect(call.execution)
        self.send("shell", "execute_request", content, call.execution)

    def expect(self, execution: str) -> None:
        """This execution runs, and will end."""
        self._tracker.begin(execution)

    def answer_stdin(self, text: str) -> None:
        content: dict[str, object] = {"value": text, "status": "ok"}
        msg_id, parent = question_id(), self._input_header
        frames = self._wire.pack("input_reply", content, msg_id=msg_id, parent=parent)
        self._channels.send("stdin", frames)

    def send(
        self,
        channel: Channel,
        kind: str,
        content: dict[str, object],
        msg_id: str = "",
        subshell: str = "",
    ) -> None:
        """Without a `msg_id` nobody waits for the answer."""
        frames = self._wire.pack(kind, content, msg_id=msg_id or question_id(), subshell=subshell)
        self._channels.send(channel, frames)

    async def ask_beside(
        self, kind: str, content: dict[str, object], deadline: float, *, subshells: bool
    ) -> Message:
        """Ask beside running code where the kernel has subshells, else while it is idle; Busy."""
        subshell = ""
        if subshells:
            subshell = await self._get_subshell()
        elif self.is_busy:
            raise Busy(NO_ANSWER, TRY_LATER)
        return await self.questions.ask("shell", kind, content, deadline, subshell=subshell)

    async def _get_subshell(self) -> str:
        """The one subshell of the process, made when first needed."""
        if self._subshell is None or (self._subshell.done() and self._subshell.exception()):
            self._subshell = asyncio.create_task(self._make_subshell(), name="make-subshell")
        return await asyncio.shield(self._subshell)

    async def _make_subshell(self) -> str:
        kind = "create_subshell_request"
        message = await self.questions.ask("control", kind, {}, SUBSHELL_WAIT)
        return str(message.content.get("subshell_id") or "")

    # -- heard -------------------------------------------------------------------------

    def received(self, channel: Channel, message: Message) -> None:
        parent = message.parent.msg_id
        if channel == "iopub":
            self.heard.set()
            if message.type == "status":
                if message.content.get("execution_state") == "idle":
                    self._idled(parent)
                return
            if message.type == "comm_close" and self.questions.answered(message):
                return
        elif channel == "stdin":
            self._input_header = message.raw_header
        elif message.type == "execute_reply":
            self._facts += self._tracker.replied(message)
            return
        else:
            self.questions.answered(message)
            return
        owner = self._tracker.owner(parent)
        if owner:  # else it was said at the kernel's start, before anything was run
            self._keep(translate(message, owner))

    def turned(self) -> bool:
        if not self._facts:
            return False
        batch: list[Fact] = []
        size, room = 0, BATCH
        while self._facts and size < room:
            fact = self._facts.popleft()
            size += len(fact.text) if isinstance(fact, Wrote) else 1
            batch.append(fact)
            room = LINE if _is_within_line(fact) else BATCH
        self._sink(batch)
        return bool(self._facts)

    def give_up(self, execution: str) -> None:
        """End an execution whose reply will not come any more."""
        self._facts += self._tracker.give_up(execution, interrupted=self.interrupted)
        self._hand_on()

    def _keep(self, facts: tuple[Fact, ...]) -> None:
        for fact in facts:
            if isinstance(fact, Raised):
                self._tracker.note_error(fact.execution, fact.error)
            if isinstance(fact, Wrote) and len(fact.text) > SLICE:
                starts = range(0, len(fact.text), SLICE)
                self._facts += (replace(fact, text=fact.text[at : at + SLICE]) for at in starts)
            else:
                self._facts.append(fact)

    def _idled(self, execution: str) -> None:
        self._facts += self._tracker.idled(execution)
        if self._tracker.waits_for_reply(execution):
            asyncio.get_running_loop().call_later(REPLY_GRACE, self.give_up, execution)

    def _hand_on(self) -> None:
        while self.turned():
            pass


def _is_within_line(fact: Fact) -> bool:
    """A piece of one long row, which nothing rewrites: taking it costs next to nothing, while a
    line of 5 MB in batches of 128 KB would be 100 MB of rows."""
    if not isinstance(fact, Wrote):
        return False
    return not any(sign in fact.text for sign in "\n\r\x1b\b")
