"""A kernel that speaks Jupyter's protocol, whatever keeps it alive and carries its messages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from signal import SIGTERM

from msgspec.structs import replace

from codeexec.domain.errors import Busy, KernelDied, KernelUnavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.domain.outputs import ErrorInfo
from codeexec.kernels.base import (
    Died,
    ExecuteCall,
    Finished,
    Handle,
    KernelEvent,
    KernelUsage,
    Ready,
    Sink,
)
from codeexec.kernels.capabilities import Capabilities
from codeexec.kernels.jupyter.connection import START_AGAIN, KernelConnection
from codeexec.kernels.jupyter.exit_reason import is_port_taken
from codeexec.kernels.jupyter.greeting import NUDGE, QUESTION, greet_beside, prime
from codeexec.kernels.jupyter.known.helper_runs import HelperRuns
from codeexec.kernels.jupyter.known.helpers import Helpers, helpers_of
from codeexec.kernels.jupyter.known.table import PLAIN, KnownKernel, known_by_implementation
from codeexec.kernels.jupyter.known.traits import NO_TRAITS, KernelTraits
from codeexec.kernels.jupyter.language_service import LanguageService
from codeexec.kernels.jupyter.life import Contained, KernelProcess, Outliving
from codeexec.kernels.jupyter.line.look_after import look_after
from codeexec.kernels.jupyter.messages import replies
from codeexec.kernels.jupyter.outbox.leftovers import folder_of
from codeexec.kernels.jupyter.outbox.reader import read_place
from codeexec.kernels.jupyter.outbox.spool import read_spool
from codeexec.kernels.jupyter.process import LocalProcess
from codeexec.kernels.jupyter.transport import OpenTransport
from codeexec.kernels.jupyter.zmq_transport import open_zmq

START_TIMEOUT = 60.0
FIRST_TIMEOUT = 15.0  # for a kernel that may be started in another way
SHUT_DOWN = (
    "Another program that was connected to this kernel has shut it down, as `exit` does in "
    "jupyter console; `exit(keep_kernel=True)` leaves it running."
)


class JupyterKernel:
    """A Kernel: a process lifecycle, and the connection to its present process."""

    def __init__(
        self,
        ref: KernelRef,
        life: KernelProcess,
        sink: Sink,
        *,
        primed: bool = False,
        known: KnownKernel = PLAIN,
        start_timeout: float = START_TIMEOUT,
        open_transport: OpenTransport = open_zmq,
        traits: KernelTraits = NO_TRAITS,
    ) -> None:
        """`primed`: it was launched by us, and so knows how to answer questions. `known` is what
        its command tells; else what it says of itself decides.
        `open_transport` opens what carries messages to each process that `life` launches."""
        self._ref = ref
        self._life = life
        # They are asked for at each batch of events, and the question is slow.
        self._pausing = life if isinstance(life, Contained) else None
        self._adoption = self if isinstance(life, Outliving) and life.can_outlive else None
        self._sink = sink
        self._primed = primed
        self._start_timeout = start_timeout
        self._open_transport = open_transport
        self.traits = traits
        """May be set while `life` launches, where only the launch shows what kind it is."""
        self._identity = secrets.token_hex(8)
        self._session = secrets.token_hex(16)
        self._connection: KernelConnection | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._ready: Ready | None = None
        self._known = known
        self._helpers = Helpers()
        self.language = LanguageService(self._connected, lambda: self._ready)
        """Requests beside running code."""
        self._runs = HelperRuns(self._connected, lambda: folder_of(life.handle()))

    @property
    def ref(self) -> KernelRef:
        return self._ref

    @property
    def pid(self) -> int | None:
        return self._life.pid

    @property
    def _is_primed(self) -> bool:
        return self._primed and self.traits.is_primed

    @property
    def is_alive(self) -> bool:
        return self._connection is not None and self._life.is_alive

    @property
    def capabilities(self) -> Capabilities:
        outbox = self._connection.outbox if self._connection else None
        return Capabilities(
            pausing=self._pausing,
            adoption=self._adoption if self.traits.can_outlive else None,
            outbox=outbox if outbox is not None and outbox.token else None,
            stdin=self if self._known.has_stdin else None,
            completion=self.language,
            inspection=self._helpers.inspection,
            variables=self._helpers.variables,
            sizes=self._helpers.sizes,
            tables=self._helpers.tables,
            values=self._helpers.values,
            comms=self if self.traits.has_comms else None,
            host_paths=self._life.is_on_host,
            absent=self._known.absent,
        )

    # -- life --------------------------------------------------------------------------

    async def start(self) -> Ready:
        try:
            return await self._start_somehow()
        except KernelUnavailable as error:
            if not is_port_taken(error.message):
                raise
        return await self._start(self._start_timeout)  # with other ports

    async def _start_somehow(self) -> Ready:
        life = self._life
        if not isinstance(life, LocalProcess) or not life.has_other_launch:
            return await self._start(self._start_timeout)
        try:
            return await self._start(min(self._start_timeout, FIRST_TIMEOUT))
        except KernelUnavailable:
            life.use_other_launch()
            return await self._start(self._start_timeout)

    async def _start(self, timeout: float) -> Ready:
        try:
            connection = self._connect(await self._life.launch())
            self._ready = await self._shake_hands(connection, timeout)
        except BaseException:
            self._disconnect()
            await self._life.kill()
            raise
        self._take_up(connection, self._ready)
        self._watcher = asyncio.create_task(self._watch(connection), name="watch-kernel")
        if not self._is_primed:
            folder = folder_of(self._life.handle())
            owner = self._session if self.traits.has_server else ""
            timeout = self._start_timeout
            notices = await prime(connection, self._ready.language, folder, timeout, owner)
            self._ready = replace(self._ready, notices=(*notices, *self._ready.notices))
        return self._ready

    def _take_up(self, connection: KernelConnection, ready: Ready) -> None:
        """Treat the kernel as what it has turned out to be."""
        if self._known is PLAIN:
            self._known = known_by_implementation(ready.implementation)
        known = connection.known = self._known
        connection.is_late = ready.language != "python"
        self._helpers = helpers_of(known, ready.language, self.language, self._runs)
        notices = self._life.notices if isinstance(self._life, Contained) else ()
        self._ready = replace(
            ready,
            subshells=ready.subshells and known.has_subshells,
            notices=(*notices, *self.traits.notices, *known.limits),
            ends_at=self.traits.ends_at,
        )

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
        self._take_up(connection, ready)
        if connection.outbox.token:
            connection.outbox.repair()
        self._watcher = asyncio.create_task(self._watch(connection, running), name="watch-kernel")
        return True

    async def restart(self) -> Ready:
        is_ours = self._life.can_end or self.traits.has_server
        if not is_ours and self._life.is_alive:
            raise UsageError(
                "This kernel was started by somebody else, and cannot be restarted from here.",
                "Restart it where it was started, or open a session with a kernel of its own.",
            )
        await self._end(restart=True)
        return await self.start()

    async def shutdown(self) -> None:
        await self._end(restart=False)

    def let_outlive(self) -> None:
        if isinstance(self._life, Outliving):
            self._life.let_outlive()

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
            "primed": self._is_primed,
            "outbox": self._connection.outbox.place() if self._connection else {},
            "language": self._ready.language if self._ready else "",
            "subshells": self._ready.subshells if self._ready else False,
            "implementation": self._ready.implementation if self._ready else "",
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

    def is_outdated(self) -> bool:
        return self.traits.is_outdated()

    # -- code --------------------------------------------------------------------------

    def execute(self, call: ExecuteCall) -> None:
        connection = self._connected()
        problem = self.traits.plugin_problem
        if not (self._ready and self._ready.language == "python"):
            problem = "Plugins are Python, and this kernel is not."
        if call.plugin is not None and problem:
            error = ErrorInfo("UsageError", problem)
            ended: list[KernelEvent] = [Finished(call.execution, "error", error)]
            asyncio.get_running_loop().call_soon(self._sink, ended)
            return
        connection.execute(call)

    def send_comm(self, comm_id: str, body: dict[str, object], execution: str) -> str:
        return self._connected().send_comm(comm_id, body, execution)

    def answer_stdin(self, text: str) -> None:
        self._connected().answer_stdin(text)

    async def interrupt(self) -> None:
        connection = self._connection
        # Deno never ends code during which it was asked for an interrupt.
        if connection is not None and not self.capabilities.why_absent("interruption"):
            connection.interrupted = True
            connection.interruption.follow(by_message=not await self._life.interrupt())

    async def signal(self, signum: int) -> bool:
        return await self._life.signal(signum)

    # -- from nothing to ready, and back -----------------------------------------------

    def _connected(self) -> KernelConnection:
        if self._connection is None:
            raise KernelDied("The kernel is not running.", START_AGAIN)
        return self._connection

    def _connect(self, endpoint: Mapping[str, object]) -> KernelConnection:
        self._connection = KernelConnection(
            self._open_transport, endpoint, self._identity, self._session, self._sink
        )
        self._connection.interruption.signal = self._life.interrupt
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _shake_hands(self, connection: KernelConnection, timeout: float) -> Ready:
        """Until the kernel has answered and its output is heard."""
        exited = asyncio.create_task(self._life.wait(), name="wait-for-exit")
        hands = asyncio.create_task(self._greet(connection), name="greet-kernel")
        try:
            await asyncio.wait(
                {exited, hands}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if hands.done() and not isinstance(hands.exception(), Busy):
                return hands.result()
            if exited.done():
                death = await self._life.explain()
                raise KernelUnavailable(
                    f"The kernel did not start: {death.message}", replies.mend(death.message)
                )
            output = self._life.last_words()
            raise KernelUnavailable(
                f"The kernel did not answer within {timeout:g} s."
                + (f" Its last words:\n{output}" if output else ""),
                "Look at what it does at its start, or choose another: codeexec-tui kernels",
            )
        finally:
            for task in (exited, hands):
                task.cancel()
            await asyncio.gather(exited, hands, return_exceptions=True)

    async def _greet(self, connection: KernelConnection) -> Ready:
        kind = "kernel_info_request"
        info = await connection.requests.ask("shell", kind, {}, self._start_timeout)
        while not connection.heard.is_set():
            # What is said before our subscription has arrived is not heard: let it speak again.
            try:
                await asyncio.wait_for(connection.heard.wait(), NUDGE)
            except TimeoutError:
                connection.send("shell", kind, {})
        if self._is_primed:  # what somebody else launched is theirs to acknowledge
            connection.outbox.announced(info.content)
        return replies.ready(info.content, self._life.pid)

    async def _greet_again(self, connection: KernelConnection, handle: Handle) -> Ready | None:
        """The answer of a kernel that runs already, once its output is heard; what the handle
        says of one that does not answer though its process is there; None when it is gone."""
        exited = asyncio.create_task(self._life.wait(), name="wait-for-exit")
        hands = asyncio.create_task(greet_beside(connection), name="greet-kernel")
        try:
            await asyncio.wait({exited, hands}, timeout=QUESTION, return_when="FIRST_COMPLETED")
            if exited.done():
                return None
            if hands.done():
                return replies.ready(hands.result().content, self._life.pid)
        except (Busy, KernelDied):
            pass  # native code holds it, or it is stopped
        finally:
            for task in (exited, hands):
                task.cancel()
            await asyncio.gather(exited, hands, return_exceptions=True)
        pid = self._life.pid
        is_watched = self._adoption is not None and self._life.can_end  # its end would be known
        is_there = pid is not None or self.traits.has_server or is_watched
        return replies.remembered(handle, pid) if is_there else None

    async def _watch(self, connection: KernelConnection, running: str = "") -> None:
        """Tell of the death of the process. `running` is open since before we came."""
        folder = folder_of(self._life.handle())
        async with asyncio.TaskGroup() as group:
            looking = (
                group.create_task(look_after(connection, running, self._sink)) if running else None
            )
            await self._life.wait()
            if looking is not None:
                looking.cancel()
        await connection.hear_out(read_spool(folder) if folder is not None else ())
        death = await self._life.explain()
        if connection.was_shut_down and not self.traits.has_server:
            death = replace(death, message=SHUT_DOWN)
        self._watcher = None
        self._disconnect()
        self._sink([Died(death)])

    async def _unwatch(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)

    async def _end(self, *, restart: bool) -> None:
        """Ask the kernel to shut down, then terminate, then kill it. No `KernelDied` follows."""
        await self._unwatch()
        connection = self._connection
        if connection is not None and self._life.can_end and self._life.is_alive:
            if connection.is_busy:
                await self._life.interrupt()
            if not self.traits.has_server:
                await self._ask_to_end(connection, restart=restart)
        self._disconnect()
        await self._life.kill(restart=restart)

    async def _ask_to_end(self, connection: KernelConnection, *, restart: bool) -> None:
        connection.send("control", "shutdown_request", {"restart": restart})
        polite, terminate = self.traits.end_pauses
        if not await self._is_gone(polite) and await self._life.signal(SIGTERM):
            await self._is_gone(terminate)

    async def _is_gone(self, within: float) -> bool:
        try:
            await asyncio.wait_for(self._life.wait(), within)
        except TimeoutError:
            return False
        return True
