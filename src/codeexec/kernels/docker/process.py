"""A kernel process in a container: launched, signalled, explained, and launched again.

It knows nothing of messages: a client connects to the five sockets that `connection` names, as to
a local kernel. No jupyter_client is needed for any of it; the
provisioner for other Jupyter programs is `docker_provisioner`.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable
from codeexec.domain.places.containers import ClassicLayout
from codeexec.environments.base import Tell
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.growth import GrowthMeter, Hidden
from codeexec.environments.docker.policy import EngineInfo
from codeexec.environments.relay.connection import ContainerUsage
from codeexec.environments.relay.processes import GuestProcess
from codeexec.kernels.docker.classic import CWD, ClassicContainer, require_network
from codeexec.kernels.docker.workspace_guard import Culprit, WorkspaceGuard
from codeexec.kernels.jupyter.exit_reason import printable_words
from codeexec.kernels.relay.channel_proxy import Mux, Target, connection, guest_folder
from codeexec.kernels.relay.kernel_exit import KernelEnd, container_ended, kernel_ended

PYTHON_KERNEL = (
    *("python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
    # A file would be gone with the container, and breaks when code has filled /tmp.
    "--HistoryManager.hist_file=:memory:",
)
SPOOL_FOLDER = "CODEEXEC_SPOOL"
"""Tells the kernel's outbox where its files are, when not beside the connection file."""
RESPONSE_DEADLINE = 2.0
"""Seconds in which a container that is to be used again must answer."""
WORDS_DEADLINE = 0.3
"""Seconds for the last words of a kernel that failed; its children may hold the pipe for ever."""


@dataclass(frozen=True, slots=True)
class KernelCommand:
    """What is started: `{connection_file}` and `{folder}` in `argv` are filled in.

    `files` are (name, content) pairs written into `{folder}`, a new 0700 folder of the container.
    """

    argv: tuple[str, ...] = PYTHON_KERNEL
    env: Mapping[str, str] | None = None
    files: tuple[tuple[str, str], ...] = ()


class ContainerKernel:
    """One kernel through all its launches, in one container as long as that lives."""

    def __init__(
        self,
        plan: ContainerPlan,
        command: KernelCommand = KernelCommand(),  # frozen
        *,
        key: str = "",
        classic: ClassicLayout | None = None,
        tell: Tell | None = None,
        engine_info: EngineInfo | None = None,
    ) -> None:
        """With `classic` the container has that layout, and is reached by mapped ports. `tell`
        hears what the person should know (that the workspace is full, for one). UsageError for a
        policy or a layout that makes no sense."""
        self.key = key or secrets.token_hex(32)
        self.command = command
        self.tell = tell or (lambda title, message: None)
        self.environment: DockerEnvironment | None = None
        self.end: KernelEnd | None = None
        """Why the kernel ended; None while it runs, and before it was launched."""
        self._plan = plan
        self._engine_info = engine_info
        self._classic: ClassicContainer | None = None
        if classic is not None:
            require_network(plan.policy)
            self._classic = ClassicContainer(classic, plan.session, self.key)
        self._mux = Mux() if classic is None else None
        self._process: GuestProcess | None = None
        self._launches = 0
        self._tasks: set[asyncio.Task[None] | asyncio.Task[GrowthMeter]] = set()
        self._said = bytearray()
        self._ended = asyncio.Event()

    @property
    def connection(self) -> dict[str, str | int]:
        """What a connection file holds, for clients on this machine; the same at every launch."""
        if self._mux is not None:
            return connection(self._mux.prefix, self.key)
        assert self._classic is not None
        return self._classic.connection

    @property
    def plan(self) -> ContainerPlan:
        return self._plan

    @property
    def notices(self) -> tuple[str, ...]:
        """What the person should know of this container, one sentence each."""
        return self.environment.notices if self.environment else ()

    @property
    def is_running(self) -> bool:
        return self._process is not None and not self._ended.is_set()

    @property
    def pid(self) -> int | None:
        """The kernel's number in the container."""
        return self._process.pid if self._process is not None and self.is_running else None

    @property
    def last_words(self) -> str:
        """The end of what the process itself wrote, outside of any protocol."""
        return printable_words(self._said.decode(errors="replace"))

    async def prepare(self) -> None:
        """Make the container ahead, without the kernel: `launch` then takes half the time.

        A warm spare is a ContainerKernel that was prepared; its plan cannot be changed.
        """
        if self._mux is not None:
            await self._mux.listen()
        await self._complete_plan()
        await self._ready_environment()

    async def launch(self) -> None:
        """Start the kernel, in the container of the launch before when that still answers.

        What ran in there is ended first. EnvironmentUnavailable when there can be no container.
        Cancelled, it leaves no container of its own making behind.
        """
        if self._mux is not None:
            await self._mux.listen()
        await self._complete_plan()
        meters = self._begin_meters()
        environment = await self._ready_environment()
        self._launches += 1
        folder = guest_folder(self._launches)
        own_files = [(f"{folder}/kernel.json", json.dumps(connection(f"{folder}/k", self.key)))]
        variables: Mapping[str, str] = {}
        cwd, temporary = str(environment.base_paths.workspace), list[str]()
        if self._classic is not None:
            await self._classic.begin(environment)
            own_files = self._classic.files
            variables = {**self._classic.variables, SPOOL_FOLDER: folder}
            cwd, temporary = CWD, [name for name, _ in own_files]
        fill = {"{connection_file}": own_files[0][0], "{folder}": folder}
        process = await environment.wire.spawn(
            [_filled(word, fill) for word in self.command.argv],
            cwd=cwd,
            env={**(self.command.env or {}), **variables},
            stdin=False,
            folders=[*environment.home_folders, folder],
            files=[
                *own_files,
                *((f"{folder}/{name}", content) for name, content in self.command.files),
            ],
            temporary=temporary,
        )
        self._process, self.end = process, None
        self._said.clear()
        self._ended.clear()
        readers = self._own(self._keep_words(process.stdout), self._keep_words(process.stderr))
        self._own(self._follow(environment, process, readers))
        if environment.mounted is not None:
            self._own(*(self._watch_growth(guard, meter, process) for guard, meter in meters))
        if self._mux is not None:
            self._mux.carry_to(Target(environment.wire, process, f"{folder}/k"))

    async def wait(self) -> KernelEnd:
        """Wait for the kernel's end, and give why."""
        await self._ended.wait()
        assert self.end is not None
        return self.end

    async def signal(self, number: int) -> None:
        """To the kernel's process group; nothing happens when it is gone already."""
        if self._process is not None and self.is_running:
            await self._process.signal(number)

    async def kill(self) -> None:
        """End the kernel whatever it does: by signal, and else with its container."""
        if not self.is_running or self._process is None or self.environment is None:
            return
        await self._process.signal(signal.SIGKILL)
        try:
            async with asyncio.timeout(RESPONSE_DEADLINE):
                await self._ended.wait()
        except TimeoutError:  # paused, or its relay was stopped
            await self.environment.terminate()
            await self._ended.wait()

    async def pause(self) -> None:
        if self.environment is not None:
            await self.environment.pause()

    async def unpause(self) -> None:
        if self.environment is not None:
            await self.environment.unpause()

    async def usage(self) -> ContainerUsage:
        """Of the whole container. EnvironmentUnavailable when there is none."""
        if self.environment is None:
            raise EnvironmentUnavailable("The container is not started.", "Start the kernel.")
        return await self.environment.usage()

    async def close(self) -> None:
        """End the kernel, its container and its sockets. Can be repeated."""
        if self._mux is not None:
            self._mux.carry_to(None)
        if self.environment is not None:
            await self.environment.terminate()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._mux is not None:
            await self._mux.close()
        if self._classic is not None:
            await self._classic.end()

    # ---- one launch ----------------------------------------------------------------------------

    async def _ready_environment(self) -> DockerEnvironment:
        environment = self.environment
        if environment is not None:
            try:
                async with asyncio.timeout(RESPONSE_DEADLINE):
                    await environment.wire.sweep()
                    return environment
            except (TimeoutError, CodeexecError):
                await environment.terminate()  # gone, paused or stopped: another one, then
        self.environment = await DockerEnvironment.create(self._plan, self._engine_info)
        return self.environment

    async def _complete_plan(self) -> None:
        """Ask the engine what it is, and make the folders of a classic container."""
        self._engine_info = self._engine_info or await self._plan.engine.info()
        if self._classic is not None:
            self._plan = await self._classic.plan(self._plan, self._engine_info)

    async def _follow(
        self,
        environment: DockerEnvironment,
        process: GuestProcess,
        readers: Sequence[asyncio.Task[None]],
    ) -> None:
        try:
            exit = await asyncio.shield(process.exit)
        except EnvironmentUnavailable:
            code = await environment.wait()
            self.end = container_ended(environment.end_explained(), code)
            if self._classic is not None:
                await self._classic.remove_files()
        else:
            if exit.code > 0:  # its last words say why, and may be a moment behind
                await asyncio.wait(readers, timeout=WORDS_DEADLINE)
            self.end = kernel_ended(exit, self.last_words, self._plan.image)
        if self._mux is not None:
            self._mux.carry_to(None)
        self._ended.set()

    async def _keep_words(self, chunks: AsyncIterator[bytes]) -> None:
        async for chunk in chunks:
            self._said += chunk
            del self._said[:-8192]

    def _begin_meters(self) -> list[tuple[WorkspaceGuard, asyncio.Task[GrowthMeter]]]:
        """Start to add up the folders of this machine while the container starts."""
        guards = {WorkspaceGuard(self._plan): ""}
        for mount in self._plan.mounts:
            if mount.source != self._plan.workspace:
                guards[WorkspaceGuard(replace(self._plan, workspace=mount.source))] = mount.target
        meters = []
        for guard, folder in guards.items():
            if guard.is_needed:
                task = asyncio.create_task(guard.begin(partial(self._ask_hidden, folder)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                meters.append((guard, task))
        return meters

    async def _ask_hidden(self, folder: str) -> Hidden:
        if self.environment is None:
            raise EnvironmentUnavailable("The container is not started.", "Start the kernel.")
        return await self.environment.hidden(folder)

    async def _watch_growth(
        self, guard: WorkspaceGuard, beginning: asyncio.Task[GrowthMeter], process: GuestProcess
    ) -> None:
        culprit = Culprit(
            process.signal,
            process.exit.done,
            "the cell was interrupted",
            "the kernel went on in spite of interrupts and was killed",
        )
        await guard.watch(await beginning, culprit, self.tell)

    def _own(self, *coroutines: Coroutine[object, object, None]) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
        for task in tasks:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return tasks


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word
