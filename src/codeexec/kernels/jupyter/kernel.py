"""A kernel that speaks Jupyter's protocol over ZeroMQ, whatever keeps it alive."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from signal import SIGTERM

from codeexec.domain.errors import Busy, KernelUnavailable, UsageError
from codeexec.domain.errors import KernelDied as KernelDiedError
from codeexec.domain.events import KernelRef
from codeexec.domain.requests import Completeness, Completions, Inspection
from codeexec.kernels.base import (
    Died,
    ExecuteCall,
    Fact,
    Handle,
    KernelUsage,
    Raised,
    Ready,
    Sink,
    Wrote,
)
from codeexec.kernels.jupyter import replies
from codeexec.kernels.jupyter.asking import NO_ANSWER, TRY_LATER, Questions
from codeexec.kernels.jupyter.channels import Channel, Channels
from codeexec.kernels.jupyter.life import Life
from codeexec.kernels.jupyter.track import Tracker, question_id
from codeexec.kernels.jupyter.translate import translate
from codeexec.kernels.jupyter.wire import Message, Wire

log = logging.getLogger(__name__)

START_TIMEOUT = 60.0
NUDGE = 0.5  # seconds after which a kernel that booted is asked again
REPLY_GRACE = 0.3  # for a reply after idle, before we take it for lost
POLITE = 1.5  # for a kernel to end by itself when asked
TERMINATE = 0.5
QUESTION = 5.0
SUBSHELL_WAIT = 2.0
FOREVER = 10.0 * 365 * 86400
BATCH = 1 << 17  # characters that are handed on in one turn of the loop
SLICE = 1 << 16

GONE = "The kernel is not running."
START_AGAIN = "Restart the kernel."


class JupyterKernel:
    """A Kernel. Hears its sockets as their Receiver."""

    def __init__(
        self,
        ref: KernelRef,
        life: Life,
        sink: Sink,
        *,
        primed: bool = False,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        self._ref = ref
        self._life = life
        self._sink = sink
        self._primed = primed
        self._start_timeout = start_timeout
        self._identity = secrets.token_hex(8)
        self._session = secrets.token_hex(16)
        self._channels: Channels | None = None
        self._wire: Wire | None = None
        self._tracker = Tracker()
        self._questions = Questions(self._send)
        self._facts: deque[Fact] = deque()
        self._heard = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._input_header = b"{}"
        self._interrupted = False
        self._subshell: asyncio.Task[str] | None = None
        self._ready: Ready | None = None

    @property
    def ref(self) -> KernelRef:
        return self._ref

    @property
    def pid(self) -> int | None:
        return self._life.pid

    @property
    def is_alive(self) -> bool:
        return self._channels is not None and self._life.is_alive

    # -- life --------------------------------------------------------------------------

    async def start(self) -> Ready:
        try:
            self._connect(await self._life.launch())
            self._ready = await self._shake_hands()
        except BaseException:
            self._disconnect()
            await self._life.kill()
            raise
        self._watcher = asyncio.create_task(self._watch(), name="watch-kernel")
        if self._ready.language == "python" and not self._primed:
            self._send("shell", "execute_request", replies.prime(), question_id(), "")
        return self._ready

    async def adopt(self, connection: Mapping[str, object], handle: Handle, running: str) -> bool:
        """Connect to a kernel that runs already; false when it does not answer.

        `running` is the execution that was open: it ends when the kernel says so, or when the
        kernel turns out to be done with it."""
        self._identity = str(handle.get("identity") or self._identity)
        self._session = str(handle.get("session") or self._session)
        self._connect(connection)
        if running:
            self._tracker.begin(running)
        try:
            # The control channel answers beside running code.
            info = await self._questions.ask("control", "kernel_info_request", {}, QUESTION)
            self._ready = replies.ready(info.content, self._life.pid)
        except KernelDiedError:
            self._disconnect()
            return False
        except Busy:
            if self._life.pid is None:
                self._disconnect()
                return False
            # Its process is there: native code holds it so that not even that is answered.
            self._ready = replies.remembered(handle, self._life.pid)
        self._watcher = asyncio.create_task(self._watch(running), name="watch-kernel")
        return True

    async def restart(self) -> Ready:
        await self._end(restart=True)
        return await self.start()

    async def shutdown(self) -> None:
        await self._end(restart=False)

    async def detach(self) -> None:
        self._unwatch()
        self._disconnect()
        await self._life.release()

    def handle(self) -> Handle:
        ref = self._ref
        return {
            **self._life.handle(),
            "identity": self._identity,
            "session": self._session,
            "primed": self._primed,
            "language": self._ready.language if self._ready else "",
            "subshells": self._ready.subshells if self._ready else False,
            "ref": {
                "name": ref.name,
                "display_name": ref.display_name,
                "language": ref.language,
                "path": ref.path,
                "backend": ref.backend,
                "policy": ref.policy,
            },
        }

    def usage(self) -> KernelUsage:
        return self._life.usage()

    # -- code --------------------------------------------------------------------------

    def execute(self, call: ExecuteCall) -> None:
        content: dict[str, object] = {
            "code": call.code,
            "silent": call.silent,
            "store_history": call.store_history and not call.silent,
            "user_expressions": {},
            "allow_stdin": call.allow_stdin,
            "stop_on_error": call.stop_on_error,
        }
        self._interrupted = False
        self._send("shell", "execute_request", content, call.execution, "")
        self._tracker.begin(call.execution)

    def answer_stdin(self, text: str) -> None:
        if self._channels is None or self._wire is None:
            raise KernelDiedError(GONE, START_AGAIN)
        frames = self._wire.pack(
            "input_reply",
            {"value": text, "status": "ok"},
            msg_id=question_id(),
            parent=self._input_header,
        )
        self._channels.send("stdin", frames)

    async def interrupt(self) -> None:
        self._interrupted = True
        if not await self._life.interrupt() and self._channels is not None:
            self._send("control", "interrupt_request", {}, question_id(), "")

    async def signal(self, signum: int) -> bool:
        return await self._life.signal(signum)

    # -- questions ---------------------------------------------------------------------

    async def complete(self, code: str, cursor: int) -> Completions:
        content: dict[str, object] = {"code": code, "cursor_pos": cursor}
        message = await self._question("complete_request", content, QUESTION)
        return replies.completions(message.content, len(code), cursor)

    async def inspect(self, code: str, cursor: int, detail: int) -> Inspection:
        content: dict[str, object] = {"code": code, "cursor_pos": cursor, "detail_level": detail}
        return replies.inspection(
            (await self._question("inspect_request", content, QUESTION)).content
        )

    async def is_complete(self, code: str) -> Completeness:
        message = await self._question("is_complete_request", {"code": code}, QUESTION)
        return replies.completeness(message.content)

    async def ask(self, code: str, deadline: float) -> str:
        if self._ready is not None and self._ready.language != "python":
            raise UsageError(
                f"A {self._ready.language} kernel cannot be asked for its variables.",
                "Python kernels can.",
            )
        content = replies.comm_question(code)
        message = await self._question("comm_open", content, deadline)
        data = message.content.get("data")
        if not isinstance(data, dict) or not data.keys() & {"text", "error"}:
            # It was never told how to answer, as it was busy when we came.
            raise Busy(NO_ANSWER, TRY_LATER)
        if "error" in data:
            raise UsageError(f"The kernel could not answer: {data['error']}")
        return str(data["text"])

    async def _question(self, kind: str, content: dict[str, object], deadline: float) -> Message:
        if self._channels is None:
            raise KernelDiedError(GONE, START_AGAIN)
        subshell = ""
        if self._ready is not None and self._ready.subshells:
            subshell = await self._get_subshell()
        elif self._tracker.is_busy:
            raise Busy(NO_ANSWER, TRY_LATER)
        return await self._questions.ask("shell", kind, content, deadline, subshell=subshell)

    async def _get_subshell(self) -> str:
        """The one subshell of the process, made when first needed; empty where that failed."""
        if self._subshell is None or (self._subshell.done() and self._subshell.exception()):
            self._subshell = asyncio.create_task(self._make_subshell(), name="make-subshell")
        return await asyncio.shield(self._subshell)

    async def _make_subshell(self) -> str:
        kind = "create_subshell_request"
        message = await self._questions.ask("control", kind, {}, SUBSHELL_WAIT)
        return str(message.content.get("subshell_id") or "")

    # -- the wire ----------------------------------------------------------------------

    def received(self, channel: Channel, message: Message) -> None:
        parent = message.parent.msg_id
        if channel == "iopub":
            self._heard.set()
            if message.type == "status":
                if message.content.get("execution_state") == "idle":
                    self._idled(parent)
                return
            if message.type == "comm_close" and self._questions.answered(message):
                return
        elif channel == "stdin":
            self._input_header = message.raw_header
        elif message.type == "execute_reply":
            self._facts += self._tracker.replied(message)
            return
        else:
            self._questions.answered(message)
            return
        owner = self._tracker.owner(parent)
        if not owner:
            return  # said at the kernel's start, before anything was run
        for fact in translate(message, owner):
            if isinstance(fact, Raised):
                self._tracker.note_error(fact.execution, fact.error)
            if isinstance(fact, Wrote) and len(fact.text) > SLICE:
                starts = range(0, len(fact.text), SLICE)
                self._facts += (replace(fact, text=fact.text[at : at + SLICE]) for at in starts)
            else:
                self._facts.append(fact)

    def turned(self) -> bool:
        if not self._facts:
            return False
        batch: list[Fact] = []
        size = 0
        while self._facts and size < BATCH:
            fact = self._facts.popleft()
            size += len(fact.text) if isinstance(fact, Wrote) else 1
            batch.append(fact)
        self._sink(batch)
        return bool(self._facts)

    def _idled(self, execution: str) -> None:
        self._facts += self._tracker.idled(execution)
        if self._tracker.waits_for_reply(execution):
            asyncio.get_running_loop().call_later(REPLY_GRACE, self._give_up, execution)

    def _give_up(self, execution: str) -> None:
        self._facts += self._tracker.give_up(execution, interrupted=self._interrupted)
        self._hand_on()

    def _hand_on(self) -> None:
        while self.turned():
            pass

    def _send(
        self, channel: Channel, kind: str, content: dict[str, object], msg_id: str, subshell: str
    ) -> None:
        if self._channels is None or self._wire is None:
            raise KernelDiedError(GONE, START_AGAIN)
        frames = self._wire.pack(kind, content, msg_id=msg_id, subshell=subshell)
        self._channels.send(channel, frames)

    # -- from nothing to ready, and back -----------------------------------------------

    def _connect(self, connection: Mapping[str, object]) -> None:
        key, scheme = connection.get("key", ""), connection.get("signature_scheme")
        text = key.decode() if isinstance(key, bytes) else str(key)
        self._wire = Wire(text, str(scheme or "hmac-sha256"), self._session)
        self._heard.clear()
        self._channels = Channels(connection, self._wire, self._identity, self)

    def _disconnect(self) -> None:
        if self._channels is not None:
            self._channels.close()
        self._channels = None
        self._tracker.forget()
        if self._subshell is not None:
            self._subshell.cancel()
            self._subshell = None
        self._questions.fail(KernelDiedError("The kernel went away.", START_AGAIN))

    async def _shake_hands(self) -> Ready:
        """Until the kernel has answered and its output is heard."""
        gone = asyncio.create_task(self._life.wait(), name="wait-for-exit")
        hands = asyncio.create_task(self._greet(), name="greet-kernel")
        try:
            await asyncio.wait(
                {gone, hands}, timeout=self._start_timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if hands.done():
                return hands.result()
            if gone.done():
                death = await self._life.explain()
                raise KernelUnavailable(
                    f"The kernel did not start: {death.message}", replies.mend(death.message)
                )
            words = self._life.last_words()
            raise KernelUnavailable(
                f"The kernel did not answer within {self._start_timeout:g} s."
                + (f" Its last words:\n{words}" if words else ""),
                "Look at what it does at its start, or choose another: codeexec-tui kernels",
            )
        finally:
            for task in (gone, hands):
                task.cancel()
            await asyncio.gather(gone, hands, return_exceptions=True)

    async def _greet(self) -> Ready:
        info = await self._questions.ask("shell", "kernel_info_request", {}, self._start_timeout)
        while not self._heard.is_set():
            # What is said before our subscription has arrived is not heard: let it speak again.
            try:
                await asyncio.wait_for(self._heard.wait(), NUDGE)
            except TimeoutError:
                self._send("shell", "kernel_info_request", {}, question_id(), "")
        return replies.ready(info.content, self._life.pid)

    async def _watch(self, running: str = "") -> None:
        """Tell of the death of the process. `running` is open since before we came."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look_after(running)) if running else None
            await self._life.wait()
            if looking is not None:
                looking.cancel()
        if self._channels is not None:
            await self._channels.drain(quiet=0.02, longest=1.0)
        death = await self._life.explain()
        self._hand_on()
        self._watcher = None
        self._disconnect()
        self._sink([Died(death)])

    async def _look_after(self, running: str) -> None:
        """End it when the kernel is done with it: the shell answers in order, and the end itself
        may have been said while nobody listened."""
        try:
            await self._questions.ask("shell", "kernel_info_request", {}, FOREVER)
        except (Busy, KernelDiedError):
            return  # its death is told by others
        await asyncio.sleep(REPLY_GRACE)
        self._give_up(running)

    def _unwatch(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            self._watcher = None

    async def _end(self, *, restart: bool) -> None:
        """Ask, then terminate, then kill; who has asked for it is not told of a death."""
        self._unwatch()
        if self._channels is not None and self._life.can_end and self._life.is_alive:
            if self._tracker.is_busy:
                await self._life.interrupt()
            self._send("control", "shutdown_request", {"restart": restart}, question_id(), "")
            if not await self._is_gone(POLITE) and await self._life.signal(SIGTERM):
                await self._is_gone(TERMINATE)
        self._disconnect()
        self._facts.clear()
        await self._life.kill(restart=restart)

    async def _is_gone(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self._life.wait(), within)
        except TimeoutError:
            return False
        return True
