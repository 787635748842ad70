"""Lifecycle of a kernel that a Jupyter server keeps: started, restarted and ended over REST."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from signal import SIGKILL
from uuid import uuid4

from codeexec.domain.events import Death
from codeexec.domain.events.lines import LineCut
from codeexec.kernels.base import Handle, KernelUsage, Notice, Sink
from codeexec.kernels.jupyter.line.telling import CutTelling
from codeexec.kernels.jupyter.remote.failures import ServerFailure
from codeexec.kernels.jupyter.remote.hub_life import HubLife
from codeexec.kernels.jupyter.remote.login.sign_in import REFUSED
from codeexec.kernels.jupyter.remote.rest import NO_VARIABLES, JupyterServer
from codeexec.kernels.jupyter.remote.start_steps import StartSteps
from codeexec.kernels.jupyter.remote.transport import WebSocketTransport
from codeexec.kernels.jupyter.transport import Receiver, Transport

log = logging.getLogger(__name__)

LOOK_EVERY = 10.0
"""Seconds between two questions whether the kernel is there: a socket of a kernel that somebody
else ended stays open and silent."""

LASTING = frozenset({"token", "forbidden", "xsrf", "path", "tls", "login"})
"""Failures that do not pass by themselves: the user is told at once."""

GIVE_UP_WAIT = 5.0
"""Seconds that the end of a start that was given up is waited for."""

LIFE = "remote"
"""Of a handle: which life it is of."""

GONE = (
    "The kernel is gone: its server has ended it. Somebody deleted it, or it was idle for too long."
)
CULLED = (
    "The kernel is gone: its server was stopped. Its hub stops what is idle for too long, or "
    "somebody stopped it; the next run starts it again."
)
RESTARTED = (
    "The kernel's process ended, and its server has started another one: all variables are gone."
)
DEAD = "The kernel's process ended again and again, and its server has given up starting it."
ENDED = "The kernel was ended by force; its server confirmed it with status {status}."


class RemoteLife:
    """A KernelProcess, and the LineListener of its transports."""

    def __init__(
        self,
        server: JupyterServer,
        spec: str,
        sink: Sink,
        *,
        kernel_id: str = "",
        is_attached: bool = False,
        place: str = "",
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> None:
        """`spec` is a kernelspec of the server; empty: its default. `kernel_id` is that of a kernel
        that runs; with `is_attached` somebody else started it, and it is never ended by us.
        `place` is how the user names the server; `variables` are told to an Enterprise Gateway."""
        self._server, self._spec, self._sink = server, spec, sink
        self._kernel_id, self._is_attached, self._place = kernel_id, is_attached, place
        self._variables = variables
        self._gone = asyncio.Event()
        self._gone.set()
        self._look = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._telling = CutTelling(sink, server.name)
        self._cut_since: float | None = None
        self._is_fresh = False
        """Whether the server has started the process anew by itself."""
        self._death = ""
        self._giving_up: asyncio.Task[None] | None = None
        """Ends a kernel whose start was given up before its id came."""
        self._hub = HubLife(server, sink)
        self._receiver: Receiver | None = None

    # -- what it is ----------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        return None

    @property
    def is_alive(self) -> bool:
        return not self._gone.is_set()

    @property
    def can_end(self) -> bool:
        return not self._is_attached

    @property
    def is_on_host(self) -> bool:
        return False

    @property
    def can_outlive(self) -> bool:
        return True

    def let_outlive(self) -> None:
        """It never ends with us."""

    def handle(self) -> Handle:
        """Without a token: that of the server is found by its name."""
        return {
            "life": LIFE,
            "server": self._server.name,
            "place": self._place,
            "kernel_id": self._kernel_id,
            "spec": self._spec,
            "attached": self._is_attached,
        }

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)

    def last_words(self) -> str:
        return ""

    # -- its process ---------------------------------------------------------------------

    async def launch(self) -> Mapping[str, object]:
        steps = StartSteps(self._sink)
        self._server.may_ask_user()
        try:
            while True:
                try:
                    return await self._launch(steps)
                except ServerFailure as error:
                    if error.kind not in REFUSED or not await self._server.sign_in(error):
                        raise
        except asyncio.CancelledError:
            self._hub.give_up()
            raise
        finally:
            steps.close()

    async def _launch(self, steps: StartSteps) -> Mapping[str, object]:
        is_fresh, self._is_fresh, self._death = self._is_fresh, False, ""
        await self._hub.start_server(steps)
        steps.tell("starting the kernel")
        if self._kernel_id and not (is_fresh or await self._is_restarted()):
            self._kernel_id = ""
        if not self._kernel_id:
            await self._start()
        self.follow()
        return {"kernel_id": self._kernel_id, "is_fresh": not self._is_attached}

    async def _is_restarted(self) -> bool:
        """Whether the kernel of an earlier process is there, with a new one where that is ours to
        decide. ServerFailure where an attached one is gone."""
        if not self._is_attached or self._looking is not None:
            return await self._server.restart(self._kernel_id)
        if await self._server.kernel(self._kernel_id) is None:
            raise ServerFailure(
                "gone",
                f"{self._server.name} has no kernel {self._kernel_id}.",
                "List its kernels: codeexec-tui kernels",
            )
        return True

    async def _start(self) -> None:
        """Make a kernel; one whose making is given up is ended, though its id never came."""
        key = str(uuid4())
        starting = asyncio.create_task(self._server.start(self._spec, key, self._variables))
        try:
            self._kernel_id = (await asyncio.shield(starting)).id
        except asyncio.CancelledError:
            ending = self._end_started(starting, key)
            self._giving_up = asyncio.create_task(ending, name="end-given-up-kernel")
            keep(self._giving_up)
            raise

    async def _end_started(self, starting: asyncio.Task[object], key: str) -> None:
        await asyncio.gather(starting, return_exceptions=True)
        try:
            if not await self._server.end_started(key) and not starting.exception():
                kernel_id = getattr(starting.result(), "id", "")
                await self._server.delete(kernel_id)
        except ServerFailure as error:
            log.warning("a kernel of %s may be left: %s", self._server.name, error)

    def follow(self) -> None:
        """Look from now on whether the kernel is there."""
        self._gone.clear()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._watch(), name="watch-remote-kernel")

    async def _watch(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._look.wait(), LOOK_EVERY)
            except TimeoutError:
                pass
            self._look.clear()
            if self._receiver is not None and self._receiver.is_busy:
                await self._hub.report_activity()
            try:
                kernel = await self._server.kernel(self._kernel_id)
            except ServerFailure as error:
                log.info("kernel of %s: %s", self._server.name, error)
                if error.kind in REFUSED:
                    await self._sign_in(error)
                if error.kind == "stopped" and await self._hub.is_stopped():
                    self._kernel_id = ""
                    self._end(CULLED)
                continue
            if kernel is None:
                self._kernel_id = ""
                self._end(CULLED if await self._hub.is_ending() else GONE)
            elif kernel.state == "dead":
                self._end(DEAD)

    async def _sign_in(self, failure: ServerFailure) -> None:
        """A login has expired while the kernel runs."""
        try:
            await self._server.sign_in(failure)
        except ServerFailure as error:
            log.info("kernel of %s: %s", self._server.name, error)

    def _end(self, death: str) -> None:
        if self.is_alive:
            self._death = death
            self._gone.set()
        self._telling.close()

    async def wait(self) -> None:
        await self._gone.wait()

    async def explain(self) -> Death:
        return Death(self._death or GONE)

    async def interrupt(self) -> bool:
        """By REST, as the kernelspec says; the server knows whether by signal or message."""
        if not self._kernel_id:
            return False
        try:
            return await self._server.interrupt(self._kernel_id)
        except ServerFailure as error:
            log.info("interrupt: %s", error)
            return False

    async def signal(self, signum: int) -> bool:
        """No signal reaches it; in place of SIGKILL the server ends it."""
        if signum != SIGKILL or self._is_attached or not self._kernel_id:
            return False
        status = await self._server.delete(self._kernel_id)
        self._kernel_id = ""
        self._end(ENDED.format(status=status))
        return True

    async def kill(self, *, restart: bool = False) -> None:
        if restart:
            self._end("The kernel was restarted.")
            return
        await self._stop_watching()
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            self._hub.give_up()  # as the kernel was about to answer
        kernel_id, self._kernel_id = self._kernel_id, ""
        if kernel_id and not self._is_attached:
            try:
                await self._server.delete(kernel_id)
            except ServerFailure as error:
                self._tell("A kernel may be left on its server", error)
        self._end("The kernel was ended.")
        ending = {task for task in (self._giving_up, self._hub.ending) if task is not None}
        if ending:
            # A cluster may take minutes; it goes on by itself then.
            _, ending = await asyncio.wait(ending, timeout=GIVE_UP_WAIT)
        if ending:
            keep(asyncio.create_task(self._close_after(ending), name="close-server"))
        else:
            await self._server.close()

    async def _close_after(self, tasks: set[asyncio.Task[None]]) -> None:
        await asyncio.wait(tasks)
        await self._server.close()

    async def release(self) -> None:
        await self._stop_watching()
        self._telling.close()
        await self._server.close()

    async def _stop_watching(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    # -- its line ------------------------------------------------------------------------

    def open_transport(
        self, endpoint: Mapping[str, object], identity: str, session: str, receiver: Receiver
    ) -> Transport:
        """An OpenTransport."""
        self._receiver = receiver
        kernel_id = str(endpoint["kernel_id"])
        is_fresh = bool(endpoint.get("is_fresh"))
        server = self._server
        return WebSocketTransport(
            lambda: server.access, kernel_id, session, receiver, self, is_fresh=is_fresh
        )

    def line_cut(self, failure: ServerFailure) -> None:
        self._look.set()
        if self._cut_since is None:
            self._cut_since = time.time()
        if self.is_alive:
            cut = LineCut(self._cut_since, failure.message)
            self._telling.cut(cut, failure.next_step, at_once=failure.kind in LASTING)

    def line_opened(self) -> None:
        self._hub.keep_server()
        self._cut_since = None
        self._telling.back()

    def line_wanted(self) -> None:
        if self._cut_since is not None:
            self._server.may_ask_user()  # the user runs something
            self._look.set()

    def process_ended(self, how: str) -> None:
        if how == "look":
            self._look.set()
        elif how == "restarting":
            self._is_fresh = True
            self._end(RESTARTED)
        else:
            self._end(DEAD)

    def _tell(self, title: str, failure: ServerFailure) -> None:
        self._sink([Notice("warning", title, failure.message, failure.next_step)])


_tasks: set[asyncio.Task[None]] = set()
"""Work that goes on after what began it was given up."""


def keep(task: asyncio.Task[None]) -> None:
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
