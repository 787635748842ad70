"""Kernels of every kind for one contract suite, and a partner who talks to one in a test."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil

from codeexec.domain.errors import Busy
from codeexec.domain.events import KernelRef
from codeexec.domain.options import ExecuteOptions
from codeexec.kernels.base import (
    Died,
    ExecuteCall,
    Finished,
    InputRequested,
    Kernel,
    KernelChoice,
    KernelEvent,
    KernelFactory,
    Reached,
    Sink,
    StreamWritten,
)
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.launch import Spawned
from codeexec.kernels.runner.kernel import make_runner_kernel
from codeexec.kernels.runner.launch import prepare_runner, start_runner
from support.containers import classic_image, container_kernels, give_away

DEADLINE = 90.0
CONTRACT = "test-contract"
"""The label of the containers that the cases make."""
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class KernelCase:
    """One way to have a Python kernel. `create` makes one that is not started; `has_pid` says
    whether its process is one of this machine that can be signalled by pid."""

    name: str
    create: Callable[[Path, Sink], Kernel]
    has_pid: bool = True
    absent: frozenset[str] = frozenset()
    """The capabilities of Python kernels that it has not."""
    has_matplotlib: bool = True
    has_server: bool = False
    """A server keeps the process: it is ended by force over REST alone, and nobody tells how it
    exited."""

    is_far: bool = False
    """On a machine that ssh reaches."""

    @property
    def place(self) -> frozenset[str]:
        """The capabilities that depend on where it is."""
        if self.has_server or self.is_far:
            return frozenset({"adoption"})
        return frozenset({"adoption", "host_paths"} if self.has_pid else {"pausing"})


def remote_case(name: str, address: str) -> KernelCase:
    """A kernel of the Jupyter server at this address."""

    def create(cwd: Path, sink: Sink) -> Kernel:
        # A gateway starts none for root, who may be the user of tests.
        env = {"KERNEL_USERNAME": "tester"}
        return Kernels().create(KernelChoice(str(cwd), f"{address}#python3", env=env), sink)

    return KernelCase(name, create, has_pid=False, has_matplotlib=False, has_server=True)


def _local(cwd: Path, sink: Sink) -> Kernel:
    return Kernels().create(KernelChoice(str(cwd)), sink)


def _in_container(cwd: Path, sink: Sink) -> Kernel:
    give_away(cwd)
    choice = KernelChoice(str(cwd), backend="docker", session=CONTRACT)
    return container_kernels().create(choice, sink)


def _classic(cwd: Path, sink: Sink) -> Kernel:
    give_away(cwd)
    choice = KernelChoice(
        str(cwd), backend="docker", image=classic_image(), transport="ports", session=CONTRACT
    )
    return container_kernels("network").create(choice, sink)


def ssh_case(name: str, kernel: str, absent: frozenset[str] = frozenset()) -> KernelCase:
    """A kernel on the machine that the name `ssh:PLACE` means."""

    def create(cwd: Path, sink: Sink) -> Kernel:
        folder = f"{kernel.partition('#')[0].rpartition(':')[0]}:{cwd}"
        python = kernel.partition("#")[1:]
        choice = KernelChoice(str(cwd), folder + "".join(python), session=CONTRACT)
        return Kernels().create(choice, sink)

    return KernelCase(name, create, False, absent, has_matplotlib=False, is_far=True)


def _find_pythons() -> dict[str, str]:
    """The interpreters of this machine that the runner is for, by version; the one that runs the
    tests stands for its version."""
    oldest, newest = (3, 8), (3, 30)
    found = {}
    for minor in range(oldest[1], newest[1]):
        places = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))
        path = shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
        if places or path:
            found[f"3.{minor}"] = str(places[-1]) if places else str(path)
    found[f"3.{sys.version_info.minor}"] = sys.executable
    return found


PYTHONS = _find_pythons()


def runner_case(python: str, name: str = "runner") -> KernelCase:
    """The runner in an interpreter, whether that has ipykernel or not."""

    def create(cwd: Path, sink: Sink) -> Kernel:
        async def start() -> Spawned:
            return start_runner(prepare_runner(python, str(cwd), {}))

        ref = KernelRef(python, "Python", "python", python, "local")
        return make_runner_kernel(ref, start, sink, start_timeout=DEADLINE)

    absent = frozenset({"outbox", "adoption", "comms"})
    return KernelCase(name, create, True, absent, python == sys.executable)


LOCAL_CASES = (KernelCase("local", _local),)
OTHER_RUNNER_CASES = tuple(
    runner_case(python, f"runner-{version}")
    for version, python in PYTHONS.items()
    if python != sys.executable
)
"""Of these the suite takes the oldest and the newest; `CODEEXEC_TEST_PYTHONS=all` takes all."""
RUNNER_CASE = runner_case(sys.executable)
CONTAINER_CASES = (
    KernelCase("docker", _in_container, has_pid=False),
    KernelCase("classic", _classic, has_pid=False),
)


class Partner:
    """Keeps all that its kernel says, and waits for what a test is about."""

    def __init__(self) -> None:
        self.events: list[KernelEvent] = []
        self.reached: Reached | None = None
        """The place in the kernel's outbox that the events lead to."""
        self.batches = 0
        self._news = asyncio.Event()
        self._count = 0
        self._kernel: Kernel | None = None

    def sink(self, events: Sequence[KernelEvent]) -> None:
        for event in events:
            if isinstance(event, Reached):
                self.reached = event
            else:
                self.events.append(event)
        self.batches += 1
        self._news.set()

    @property
    def kernel(self) -> Kernel:
        assert self._kernel is not None
        return self._kernel

    @kernel.setter
    def kernel(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @property
    def jupyter(self) -> JupyterKernel:
        """The kernel, where a test needs what only Jupyter kernels have."""
        assert isinstance(self._kernel, JupyterKernel)
        return self._kernel

    def submit(self, code: str, **options: bool) -> str:
        self._count += 1
        execution = f"exec-{id(self):x}-{self._count}"
        self.kernel.execute(ExecuteCall(execution, code, msgspec.convert(options, ExecuteOptions)))
        return execution

    async def run(self, code: str, **options: bool) -> Finished:
        return await self.end_of(self.submit(code, **options))

    async def end_of(self, execution: str) -> Finished:
        return await self.until(
            lambda: next(
                (f for f in self.events if isinstance(f, Finished) and f.execution == execution),
                None,
            )
        )

    async def death(self) -> Died:
        return await self.until(lambda: next((f for f in self.events if isinstance(f, Died)), None))

    async def asked(self, count: int = 1) -> InputRequested:
        """The `count`-th question for input."""
        return await self.until(lambda: next(iter(self.all(InputRequested)[count - 1 :]), None))

    async def printed(self, text: str) -> None:
        await self.until(lambda: text in self.text() or None)

    async def until(self, look: Callable[[], F | None]) -> F:
        async with asyncio.timeout(DEADLINE):
            while (found := look()) is None:
                self._news.clear()
                await self._news.wait()
        return found

    def all(self, kind: type[F]) -> list[F]:
        return [event for event in self.events if isinstance(event, kind)]

    def text(self, execution: str = "", stream: str = "") -> str:
        return "".join(
            event.text
            for event in self.all(StreamWritten)
            if event.execution.startswith(execution) and stream in ("", event.stream)
        )


async def patiently(ask: Callable[[], Awaitable[F]]) -> F:
    """The answer, asked for again where the first one takes longer than a user would wait."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                return await ask()
            except Busy:
                await asyncio.sleep(0.05)  # it is refused at once while code runs


@asynccontextmanager
async def talking_to(case: KernelCase, cwd: Path) -> AsyncIterator[Partner]:
    """A started kernel and its partner; nothing of it is left afterwards."""
    partner = Partner()
    with no_orphans():
        partner.kernel = case.create(cwd, partner.sink)
        await partner.kernel.start()
        try:
            yield partner
        finally:
            await partner.kernel.shutdown()


@contextmanager
def no_orphans() -> Iterator[None]:
    """Nothing that was started meanwhile runs on, not even what a kernel started itself."""
    mark = f"CODEEXEC_TEST_{os.urandom(6).hex()}"
    os.environ[mark] = "1"
    try:
        yield
    finally:
        del os.environ[mark]
    end = time.monotonic() + 60.0
    while left := [process for process in psutil.process_iter() if _is_marked(process, mark)]:
        # What was killed may need a moment; what was not would stay for much longer.
        assert time.monotonic() < end, left
        time.sleep(0.05)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and mark in process.environ()
    except psutil.Error:
        return False


def factory() -> KernelFactory:
    return Kernels()
