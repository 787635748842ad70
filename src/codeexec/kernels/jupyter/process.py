"""A kernel process that this or an earlier server started: followed, signalled, reaped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from codeexec.domain.errors import EnvironmentUnavailable, KernelUnavailable
from codeexec.domain.events import Death
from codeexec.domain.plain_files import read_plain
from codeexec.domain.text.parsing import load_json
from codeexec.environments.marks import MARK, end_marked, get_mark
from codeexec.environments.processes import descendants, end_identified, identify
from codeexec.environments.usage.process_table import ProcessTable
from codeexec.environments.usage.sampling import ProcessSampler, get_sampler
from codeexec.kernels.base import Handle, KernelUsage
from codeexec.kernels.jupyter import exit_reason as death
from codeexec.kernels.jupyter.launch import (
    CONNECTION_FILE,
    LOG_FILE,
    Spawned,
    let_outlive,
    remove_folder,
)

if TYPE_CHECKING:
    from codeexec.environments.holder.client import HeldProcess
    from codeexec.environments.holder.holding import Holding

POLL = 0.05  # seconds between looks where the system cannot tell us of an exit
FIRST_SAMPLE = 0.2  # seconds until the first look at its memory and its log
KILL_WAIT = 5.0  # for the system to take a killed process away
LOG_LIMIT = 1 << 20
LOG_KEPT = 1 << 16

HOLDER_WAIT = 5.0
"""Seconds for the holder to say how a process ended that has ended."""

Launch = Callable[[], Awaitable[Spawned]]


class LocalProcess:
    """A Life. `launch` starts a process; the first may have been started already."""

    def __init__(
        self,
        launch: Launch,
        spawned: Spawned | None = None,
        *,
        interrupt_by_message: bool = False,
        other_launch: Launch | None = None,
        holding: Holding | None = None,
        can_outlive: bool = True,
    ) -> None:
        """`other_launch` is for a program that does not start by `launch`; `holding` has the
        processes that are not our children. `can_outlive`: another server could speak to it."""
        self._can_outlive = can_outlive
        self._holding = holding
        self._attaching: asyncio.Task[HeldProcess | None] | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._launch = launch
        self._other_launch = other_launch
        self._waiting = spawned
        self._by_message = interrupt_by_message
        self._again: Handle = {}
        self._pid: int | None = None
        self._folder = ""
        self._connection: Mapping[str, object] = {}
        self._process: psutil.Process | None = None
        self._identity: str | None = None
        self._sweeping: asyncio.Future[bool] | None = None
        self._family: dict[int, str] = {}
        self._is_child = True
        self._status: int | None = None
        self._gone = asyncio.Event()
        self._gone.set()
        self._pidfd = -1
        self._sampler: ProcessSampler | None = None
        self._first_sample: asyncio.TimerHandle | None = None
        self._poller: asyncio.TimerHandle | None = None
        self._kills: int | None = None
        self._kills_now: int | None = None
        self._rss: int | None = None
        self._busy = 0.0
        self._asked_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._pid

    @property
    def is_alive(self) -> bool:
        return not self._gone.is_set()

    @property
    def can_end(self) -> bool:
        return True

    @property
    def can_outlive(self) -> bool:
        return self._can_outlive

    @property
    def has_other_launch(self) -> bool:
        return self._other_launch is not None

    def use_other_launch(self) -> bool:
        """Start in the other way from now on; False where there is none."""
        if self._other_launch is None:
            return False
        self._launch, self._other_launch = self._other_launch, None
        return True

    @property
    def is_on_host(self) -> bool:
        return True

    async def launch(self) -> Mapping[str, object]:
        spawned, self._waiting = self._waiting, None
        if spawned is None:
            try:
                spawned = await self._launch()
            except OSError as error:
                raise KernelUnavailable(
                    f"The kernel could not be started: {error.strerror or error}"
                    + (f" ({error.filename})." if error.filename else "."),
                    "`codeexec-tui kernels` lists those that can be used.",
                ) from error
        self._again = {
            "argv": spawned.argv,
            "cwd": spawned.cwd,
            "env": spawned.env,
            "session_id": spawned.session,
            "transport": spawned.transport,
        }
        is_child = not spawned.is_held
        self._follow(spawned.pid, spawned.folder, spawned.connection, is_child=is_child)
        return self._connection

    @classmethod
    def adopt(
        cls, handle: Handle, launch: Launch, holding: Holding | None = None
    ) -> LocalProcess | None:
        """The process of a `handle()`, or None when it is gone: the pid alone would not do, as
        the system gives it to others."""
        pid, folder = handle.get("pid"), handle.get("folder")
        if not isinstance(pid, int) or not isinstance(folder, str):
            return None
        if identify(pid) is None or identify(pid) != handle.get("process"):
            return None
        try:
            is_child = psutil.Process(pid).ppid() == os.getpid()
            connection = read_connection_file(Path(folder) / CONNECTION_FILE)
        except (psutil.Error, KernelUnavailable):
            return None
        by_message = bool(handle.get("interrupt_by_message"))
        life = cls(launch, interrupt_by_message=by_message, holding=holding)
        launch_keys = ("argv", "cwd", "env", "session_id", "transport")
        life._again = {key: handle.get(key) for key in launch_keys}
        life._follow(pid, folder, connection, is_child=is_child)
        return life

    @staticmethod
    async def clean_up(handle: Handle) -> None:
        """End all that is left of a kernel that cannot be adopted, then remove its folder."""
        folder = handle.get("folder")
        if isinstance(folder, str) and await asyncio.to_thread(end_marked, MARK, folder):
            remove_folder(folder)

    @property
    def connection(self) -> Mapping[str, object]:
        return self._connection

    async def wait(self) -> None:
        await self._gone.wait()

    async def explain(self) -> Death:
        old_kills, now = self._kills, self._kills_now
        kills = now - old_kills if old_kills is not None and now is not None else 0
        return death.explain(self._status, kills=kills, rss=self._rss, last_words=self.last_words())

    def last_words(self) -> str:
        return death.read_last_words(Path(self._folder) / LOG_FILE) if self._folder else ""

    async def interrupt(self) -> bool:
        return not self._by_message and await self.signal(signal.SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._pid is None or self._gone.is_set():
            return False
        if not self._is_child and not self._is_same():
            return False
        try:
            os.killpg(self._pid, signum)
        except ProcessLookupError:
            return False
        return True

    async def kill(self, *, restart: bool = False) -> None:
        if self._pid is None:
            return
        await self.signal(signal.SIGKILL)
        try:
            await asyncio.wait_for(self._gone.wait(), KILL_WAIT)
        except TimeoutError:
            pass  # stuck in the system (a dead network drive); it dies when that lets it go
        self._forget()
        if await asyncio.to_thread(self._end_family):
            remove_folder(self._folder)
        self._folder = ""

    def usage(self) -> KernelUsage:
        if self._process is None or self._gone.is_set():
            return KernelUsage(None, None)
        busy, rss = 0.0, 0
        try:
            family = [self._process, *self._process.children(recursive=True)]
        except psutil.Error:
            return KernelUsage(None, None)
        for process in family:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    busy += times.user + times.system
                    rss += process.memory_info().rss
            except psutil.Error:
                continue  # it has ended since it was listed
        now = asyncio.get_running_loop().time()
        elapsed = now - self._asked_at
        cpu = max(busy - self._busy, 0.0) / elapsed if self._asked_at and elapsed > 0 else None
        self._busy, self._asked_at = busy, now
        return KernelUsage(cpu, rss)

    def handle(self) -> Handle:
        return {
            "life": "process",
            "pid": self._pid,
            "process": self._identity,
            "folder": self._folder,
            "interrupt_by_message": self._by_message,
            **self._again,
        }

    def let_outlive(self) -> None:
        let_outlive(self._folder)

    async def release(self) -> None:
        self._forget()
        for task in (self._attaching, self._hearing):
            if task is not None:
                task.cancel()

    # -- following ---------------------------------------------------------------------

    def _follow(
        self, pid: int, folder: str, connection: Mapping[str, object], *, is_child: bool = True
    ) -> None:
        self._pid, self._folder, self._connection = pid, folder, connection
        self._is_child, self._status = is_child, None
        self._rss, self._busy, self._asked_at, self._family = None, 0.0, 0.0, {}
        self._gone.clear()
        loop = asyncio.get_running_loop()
        try:
            self._process = psutil.Process(pid)
        except psutil.Error:
            self._process = None  # it is gone already; reaping it says how
        self._identity = identify(pid)
        if self._holding is not None and not is_child:
            self._attaching = loop.create_task(self._attach(self._holding, folder))
        self._kills = self._kills_now = death.out_of_memory_kills(pid)
        if hasattr(os, "pidfd_open"):
            try:
                self._pidfd = os.pidfd_open(pid)
            except OSError:
                self._pidfd = -1  # gone, or a system that forbids it: then we look now and then
        if self._pidfd >= 0:
            loop.add_reader(self._pidfd, self._look)
        else:
            self._look_often()
        self._sampler = get_sampler()
        self._first_sample = loop.call_later(FIRST_SAMPLE, self._begin_sampling)

    def _look_often(self) -> None:
        self._look()
        if not self._gone.is_set():
            self._poller = asyncio.get_running_loop().call_later(POLL, self._look_often)

    def _look(self) -> None:
        """Has it ended? Then reap it."""
        if self._pid is None or self._gone.is_set():
            return
        if self._is_child:
            if not self._reap(self._pid):
                return
        elif self._pidfd < 0 and self._is_same():
            return
        elif self._attaching is not None:
            self._forget()
            loop = asyncio.get_running_loop()
            self._hearing = loop.create_task(self._hear_end(self._attaching))
            self._attaching = None
            return
        elif identify(self._pid) is None:
            self._sweep_group(self._pid)
        self._finish()

    async def _attach(self, holding: Holding, folder: str) -> HeldProcess | None:
        """What the holder knows the process as; None where the holder did not start it."""
        try:
            return await holding.find(folder)
        except EnvironmentUnavailable:
            return None

    async def _hear_end(self, attaching: asyncio.Task[HeldProcess | None]) -> None:
        """The holder has reaped it, and says how it ended."""
        try:
            async with asyncio.timeout(HOLDER_WAIT):
                held = await attaching
                if held is not None:
                    self._status = (await held.wait()).code
                    await held.forget()
        except (EnvironmentUnavailable, TimeoutError):
            pass  # the holder is gone, too: how the process ended is not known
        self._finish()

    def _finish(self) -> None:
        """It is gone."""
        self._kills_now = death.out_of_memory_kills()
        if self._kills_now is None:
            self._kills_now = self._kills
        self._forget()
        self._gone.set()
        loop = asyncio.get_running_loop()
        self._sweeping = loop.run_in_executor(None, self._end_family)

    def _reap(self, pid: int) -> bool:
        """Take the exit status of a child that has ended, after all that it left behind; until
        then the system does not reuse its pid."""
        try:
            if hasattr(os, "waitid"):
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    return False
                self._sweep_group(pid)
            # macOS has waitid since Python 3.13. A group that has members keeps its number there
            # too, so ending it at once after its leader was reaped reaches nobody else.
            reaped, status = os.waitpid(pid, os.WNOHANG)
            if not reaped:
                return False
            self._status = os.waitstatus_to_exitcode(status)
            if not hasattr(os, "waitid"):
                self._sweep_group(pid)
        except ChildProcessError:
            self._status = None  # somebody else has reaped it
        return True

    def _is_same(self) -> bool:
        """Whether the process is the one that we know, and runs."""
        return (
            self._pid is not None
            and self._identity is not None
            and identify(self._pid) == self._identity
        )

    @staticmethod
    def _sweep_group(pid: int) -> None:
        """What the kernel had started must not outlive it."""
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left

    def _end_family(self) -> bool:
        """End what the kernel had started, wherever it went: what has its mark, and what was last
        seen below it and has no mark, as it cleared its environment. Blocks; False when some of
        it is left."""
        end_identified({p: i for p, i in self._family.items() if get_mark(p) is None})
        return end_marked(MARK, self._folder)

    def _begin_sampling(self) -> None:
        asyncio.get_running_loop().run_in_executor(None, self._sample)
        get_sampler().add(self._sample)

    def _sample(self, table: ProcessTable | None = None) -> None:
        """Remember the memory in use, which is gone with the process, and what it has started, and
        bound the log. In a thread: it may have hundreds of children, with hundreds of threads."""
        process = self._process
        if process is None or self._gone.is_set():
            return
        if table is not None:
            row = table.rows.get(process.pid)
            rss = row.memory if row is not None else 0
            lost_sight_of = {p: i for p, i in self._family.items() if table.is_there(p, i)}
            family = lost_sight_of | table.descendants(process.pid)
        else:
            try:
                rss = process.memory_info().rss
            except psutil.Error:
                rss = 0  # it has just ended
            lost_sight_of = {p: i for p, i in self._family.items() if identify(p) == i}
            family = lost_sight_of | descendants(process.pid)
        if self._process is process:
            self._rss, self._family = rss or self._rss, family
            trim_log(f"{self._folder}/{LOG_FILE}")

    def _forget(self) -> None:
        if self._sampler is not None:
            self._sampler.remove(self._sample)
        for timer in (self._first_sample, self._poller):
            if timer is not None:
                timer.cancel()
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1


def trim_log(path: Path | str) -> None:
    """Keep the end of a log that has grown too long; its writer appends, and goes on behind."""
    try:
        if os.stat(path).st_size <= LOG_LIMIT:  # noqa: PTH116  # each second
            return
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
    except OSError:
        return
    with os.fdopen(fd, "r+b") as file:
        file.seek(-LOG_KEPT, os.SEEK_END)
        tail = file.read(LOG_KEPT)
        file.truncate(0)
        file.write(tail)


def read_connection_file(path: Path) -> Mapping[str, object]:
    """The content of a connection file; KernelUnavailable where it is none."""
    try:
        content = load_json(read_plain(path))
        if not isinstance(content, dict) or not {"ip", "key", "shell_port"} <= content.keys():
            raise ValueError("it names no sockets")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise KernelUnavailable(
            f"{path} is not the connection file of a kernel: {reason}.",
            "`jupyter --runtime-dir` says where running kernels keep theirs.",
        ) from error
    return content
