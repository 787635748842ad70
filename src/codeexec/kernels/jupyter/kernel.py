"""A kernel that speaks Jupyter's protocol, whatever keeps it alive and carries its messages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from signal import SIGTERM

import msgspec

from codeexec.domain.errors import Busy, CodeexecError, KernelDied, KernelUnavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.requests import Completeness, Completions, Inspection
from codeexec.kernels.base import (
    Died,
    ExecuteCall,
    Handle,
    KernelUsage,
    NeverTaken,
    Reached,
    Ready,
    Sink,
)
from codeexec.kernels.jupyter import replies
from codeexec.kernels.jupyter.connection import REPLY_GRACE, START_AGAIN, KernelConnection
from codeexec.kernels.jupyter.greeting import NUDGE, QUESTION, greet_beside
from codeexec.kernels.jupyter.left import folder_of
from codeexec.kernels.jupyter.life import Contained, Life
from codeexec.kernels.jupyter.messages import Message
from codeexec.kernels.jupyter.outbox import read_place
from codeexec.kernels.jupyter.pending import NO_ANSWER, TRY_LATER
from codeexec.kernels.jupyter.process import LocalProcess
from codeexec.kernels.jupyter.questions import mend_completion_code, parse_count
from codeexec.kernels.jupyter.spool import read_spool
from codeexec.kernels.jupyter.transport import OpenTransport
from codeexec.kernels.jupyter.zmq_transport import open_zmq

START_TIMEOUT = 60.0
FIRST_TIMEOUT = 15.0  # for a kernel that may be started in another way
POLITE = 1.5  # for a kernel to end by itself when asked
TERMINATE = 0.5
SHUT_DOWN = (
    "Another program that was connected to this kernel has shut it down, as `exit` does in "
    "jupyter console; `exit(keep_kernel=True)` leaves it running."
)
FOREVER = 10.0 * 365 * 86400


class JupyterKernel:
    """A Kernel: a process lifecycle, and the connection to its present process."""

    def __init__(
        self,
        ref: KernelRef,
        life: Life,
        sink: Sink,
        *,
        primed: bool = False,
        start_timeout: float = START_TIMEOUT,
        open_transport: OpenTransport = open_zmq,
    ) -> None:
        """`primed`: it was launched by us, and so knows how to answer questions.
        `open_transport` opens what carries messages to each process that `life` launches."""
        self._ref = ref
        self._life = life
        self._sink = sink
        self._primed = primed
        self._start_timeout = start_timeout
        self._open_transport = open_transport
        self._identity = secrets.token_hex(8)
        self._session = secrets.token_hex(16)
        self._connection: KernelConnection | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ready: Ready | None = None
        self._mended = False

    @property
    def ref(self) -> KernelRef:
        return self._ref

    @property
    def pid(self) -> int | None:
        return self._life.pid

    @property
    def is_alive(self) -> bool:
        return self._connection is not None and self._life.is_alive

    # -- life --------------------------------------------------------------------------

    async def start(self) -> Ready:
        life = self._life
        if not isinstance(life, LocalProcess) or not life.has_other_launch:
            return await self._start(self._start_timeout)
        try:
            return await self._start(min(self._start_timeout, FIRST_TIMEOUT))
        except KernelUnavailable:
            life.use_other_launch()
            return await self._start(self._start_timeout)

    async def _start(self, timeout: float) -> Ready:
        self._mended = False
        try:
            connection = self._connect(await self._life.launch())
            self._ready = await self._shake_hands(connection, timeout)
        except BaseException:
            self._disconnect()
            await self._life.kill()
            raise
        connection.is_late = self._ready.language != "python"
        if isinstance(self._life, Contained):
            self._ready = replace(self._ready, notices=self._life.notices)
        self._watcher = asyncio.create_task(self._watch(connection), name="watch-kernel")
        if self._ready.language == "python" and not self._primed:
            connection.send("shell", "execute_request", replies.prime())
        return self._ready

    async def adopt(self, endpoint: Mapping[str, object], handle: Handle, running: str) -> bool:
        """Connect to a kernel that runs already; false when it does not answer.

        `running` is the execution that was open: it ends when the kernel says so, or when the
        kernel turns out to be done with it."""
        self._identity = str(handle.get("identity") or self._identity)
        self._session = str(handle.get("session") or self._session)
        connection = self._connect(endpoint)
        place = read_place(handle.get("outbox"))
        if place is not None:
            connection.outbox.begin(place)
        if running:
            connection.expect(running)
        try:
            ready = await self._greet_again(connection, handle)
        except BaseException:
            self._disconnect()
            raise
        if ready is None:
            self._disconnect()
            return False
        self._ready = ready
        connection.is_late = ready.language != "python"
        if connection.outbox.token:
            connection.outbox.repair()
        self._watcher = asyncio.create_task(self._watch(connection, running), name="watch-kernel")
        return True

    async def restart(self) -> Ready:
        if not self._life.can_end and self._life.is_alive:
            raise UsageError(
                "This kernel was started by somebody else, and cannot be restarted from here.",
                "Restart it where it was started, or open a session with a kernel of its own.",
            )
        await self._end(restart=True)
        return await self.start()

    async def shutdown(self) -> None:
        await self._end(restart=False)

    async def pause(self) -> None:
        await self._contained().pause()

    async def unpause(self) -> None:
        await self._contained().unpause()

    def _contained(self) -> Contained:
        if not isinstance(self._life, Contained):
            raise UsageError(
                "Only a kernel in a container can be paused.",
                "Interrupt it, or work in a container: codeexec-tui --docker",
            )
        return self._life

    async def detach(self) -> None:
        await self._unwatch()
        self._disconnect()
        await self._life.release()

    def handle(self) -> Handle:
        ref = self._ref
        return {
            **self._life.handle(),
            "identity": self._identity,
            "session": self._session,
            "primed": self._primed,
            "outbox": self._connection.outbox.place() if self._connection else {},
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

    @property
    def has_outbox(self) -> bool:
        return self._connection is not None and bool(self._connection.outbox.token)

    def acknowledge(self, place: Reached) -> None:
        if self._connection is not None:
            self._connection.outbox.acknowledge(place)

    def execute(self, call: ExecuteCall) -> None:
        self._connected().execute(call)

    def answer_stdin(self, text: str) -> None:
        self._connected().answer_stdin(text)

    async def interrupt(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.interrupted = True
            connection.interrupt(by_message=not await self._life.interrupt())

    async def signal(self, signum: int) -> bool:
        return await self._life.signal(signum)

    # -- questions ---------------------------------------------------------------------

    async def complete(self, code: str, cursor: int) -> Completions:
        content: dict[str, object] = {"code": code, "cursor_pos": cursor}
        message = await self._ask_beside("complete_request", content, QUESTION)
        found = replies.completions(message.content, len(code), cursor)
        if not found.matches and not self._mended:
            self._mended = True
            if await self._mend_completion():
                return await self.complete(code, cursor)
        return found

    async def _mend_completion(self) -> bool:
        """Whether something was in the way of every completion, and is gone."""
        try:
            return parse_count(await self.ask(mend_completion_code(), QUESTION)) > 0
        except CodeexecError:
            return False  # a kernel of another language, or one that is busy

    async def inspect(self, code: str, cursor: int, detail: int) -> Inspection:
        content: dict[str, object] = {"code": code, "cursor_pos": cursor, "detail_level": detail}
        message = await self._ask_beside("inspect_request", content, QUESTION)
        return replies.inspection(message.content)

    async def is_complete(self, code: str) -> Completeness:
        message = await self._ask_beside("is_complete_request", {"code": code}, QUESTION)
        return replies.completeness(message.content)

    async def ask(self, code: str, deadline: float) -> str:
        if self._ready is not None and self._ready.language != "python":
            raise UsageError(
                f"A {self._ready.language} kernel cannot be asked for its variables.",
                "Python kernels can.",
            )
        content = replies.comm_question(code)
        message = await self._ask_beside("comm_open", content, deadline)
        data = message.content.get("data")
        if not isinstance(data, dict) or not data.keys() & {"text", "error"}:
            # It was never told how to answer, as it was busy when we came.
            raise Busy(NO_ANSWER, TRY_LATER)
        if "error" in data:
            raise UsageError(f"The kernel could not answer: {data['error']}")
        return str(data["text"])

    async def _ask_beside(self, kind: str, content: dict[str, object], deadline: float) -> Message:
        subshells = self._ready is not None and self._ready.subshells
        return await self._connected().ask_beside(kind, content, deadline, subshells=subshells)

    # -- from nothing to ready, and back -----------------------------------------------

    def _connected(self) -> KernelConnection:
        if self._connection is None:
            raise KernelDied("The kernel is not running.", START_AGAIN)
        return self._connection

    def _connect(self, endpoint: Mapping[str, object]) -> KernelConnection:
        self._connection = KernelConnection(
            self._open_transport, endpoint, self._identity, self._session, self._sink
        )
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _shake_hands(self, connection: KernelConnection, timeout: float) -> Ready:
        """Until the kernel has answered and its output is heard."""
        gone = asyncio.create_task(self._life.wait(), name="wait-for-exit")
        hands = asyncio.create_task(self._greet(connection), name="greet-kernel")
        try:
            await asyncio.wait({gone, hands}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if hands.done() and not isinstance(hands.exception(), Busy):
                return hands.result()
            if gone.done():
                death = await self._life.explain()
                raise KernelUnavailable(
                    f"The kernel did not start: {death.message}", replies.mend(death.message)
                )
            words = self._life.last_words()
            raise KernelUnavailable(
                f"The kernel did not answer within {timeout:g} s."
                + (f" Its last words:\n{words}" if words else ""),
                "Look at what it does at its start, or choose another: codeexec-tui kernels",
            )
        finally:
            for task in (gone, hands):
                task.cancel()
            await asyncio.gather(gone, hands, return_exceptions=True)

    async def _greet(self, connection: KernelConnection) -> Ready:
        kind = "kernel_info_request"
        info = await connection.requests.ask("shell", kind, {}, self._start_timeout)
        while not connection.heard.is_set():
            # What is said before our subscription has arrived is not heard: let it speak again.
            try:
                await asyncio.wait_for(connection.heard.wait(), NUDGE)
            except TimeoutError:
                connection.send("shell", kind, {})
        if self._primed:  # what somebody else launched is theirs to acknowledge
            connection.outbox.announced(info.content)
        return replies.ready(info.content, self._life.pid)

    async def _greet_again(self, connection: KernelConnection, handle: Handle) -> Ready | None:
        """The answer of a kernel that runs already, once its output is heard; what the handle
        says of one that does not answer though its process is there; None when it is gone."""
        gone = asyncio.create_task(self._life.wait(), name="wait-for-exit")
        hands = asyncio.create_task(greet_beside(connection), name="greet-kernel")
        try:
            await asyncio.wait({gone, hands}, timeout=QUESTION, return_when="FIRST_COMPLETED")
            if gone.done():
                return None
            if hands.done():
                return replies.ready(hands.result().content, self._life.pid)
        except (Busy, KernelDied):
            pass  # native code holds it, or it is stopped
        finally:
            for task in (gone, hands):
                task.cancel()
            await asyncio.gather(gone, hands, return_exceptions=True)
        pid = self._life.pid
        return replies.remembered(handle, pid) if pid is not None else None

    async def _watch(self, connection: KernelConnection, running: str = "") -> None:
        """Tell of the death of the process. `running` is open since before we came."""
        folder = folder_of(self._life.handle())
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._look_after(connection, running)) if running else None
            await self._life.wait()
            if looking is not None:
                looking.cancel()
        await connection.hear_out(read_spool(folder) if folder is not None else ())
        death = await self._life.explain()
        if connection.was_shut_down:
            death = msgspec.structs.replace(death, message=SHUT_DOWN)
        self._watcher = None
        self._disconnect()
        self._sink([Died(death)])

    async def _unwatch(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _end(self, *, restart: bool) -> None:
        """Ask, then terminate, then kill; who has asked for it is not told of a death."""
        await self._unwatch()
        connection = self._connection
        if connection is not None and self._life.can_end and self._life.is_alive:
            if connection.is_busy:
                await self._life.interrupt()
            connection.send("control", "shutdown_request", {"restart": restart})
            if not await self._is_gone(POLITE) and await self._life.signal(SIGTERM):
                await self._is_gone(TERMINATE)
        self._disconnect()
        await self._life.kill(restart=restart)

    async def _is_gone(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self._life.wait(), within)
        except TimeoutError:
            return False
        return True

    async def _look_after(self, connection: KernelConnection, running: str) -> None:
        """End it when the kernel is done with it: the shell answers in order, and the end itself
        may have been said while nobody listened."""
        try:
            # Twice: requests of two connections that wait together are read in turn.
            for _ in range(2):
                await connection.requests.ask("shell", "kernel_info_request", {}, FOREVER)
        except (Busy, KernelDied):
            return  # its death is told by others
        if connection.outbox.token:
            await connection.outbox.catch_up()
            if (
                connection.outbox.token
                and connection.is_open(running)
                and running not in connection.outbox.taken
            ):
                self._sink([NeverTaken(running)])
                return
        await asyncio.sleep(REPLY_GRACE)
        connection.give_up(running)
