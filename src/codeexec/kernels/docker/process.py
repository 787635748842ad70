"""A kernel process in a container: launched, signalled, explained, and launched again.

It knows nothing of messages: a client connects to the five sockets that `connection` names, as to
a local kernel. No jupyter_client is needed for any of it; the
provisioner for other Jupyter programs is `docker_provisioner`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable, UsageError
from codeexec.environments.base import Tell
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.growth import GrowthMeter, Hidden
from codeexec.environments.docker.policy import EngineInfo
from codeexec.environments.docker.relay.connection import ContainerUsage
from codeexec.environments.docker.relay.processes import GuestProcess
from codeexec.kernels.docker.channel_proxy import (
    Mux,
    Target,
    connection,
    guest_folder,
    tcp_connection,
)
from codeexec.kernels.docker.container_exit import KernelEnd, container_ended, kernel_ended
from codeexec.kernels.docker.workspace_guard import Culprit, WorkspaceGuard
from codeexec.kernels.jupyter.exit_reason import printable_words

Transport = Literal["mux", "tcp"]
PYTHON_KERNEL = (
    *("python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"),
    # A file would be gone with the container, and breaks when code has filled /tmp.
    "--HistoryManager.hist_file=:memory:",
)
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
        transport: Transport = "mux",
        tell: Tell | None = None,
        engine_info: EngineInfo | None = None,
    ) -> None:
        """`tell` hears what the person should know (that the workspace is full, for one)."""
        if transport == "tcp" and plan.policy.network == "none":
            raise UsageError(
                "The transport 'tcp' needs a network, and the container has none.",
                "Use the transport 'mux', or the preset 'network'.",
            )
        self.key = key or secrets.token_hex(32)
        self.command = command
        self.tell = tell or (lambda title, message: None)
        self.environment: DockerEnvironment | None = None
        self.end: KernelEnd | None = None
        """Why the kernel ended; None while it runs, and before it was launched."""
        self._plan = plan
        self._guard = WorkspaceGuard(plan)
        self._engine_info = engine_info
        self._mux = Mux() if transport == "mux" else None
        self._ports: tuple[int, ...] = ()
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
        return tcp_connection("127.0.0.1", self._ports, self.key)

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
        await self._ready_environment()

    async def launch(self) -> None:
        """Start the kernel, in the container of the launch before when that still answers.

        What ran in there is ended first. EnvironmentUnavailable when there can be no container.
        Cancelled, it leaves no container of its own making behind.
        """
        if self._mux is not None:
            await self._mux.listen()
        meter = self._begin_meter()
        environment = await self._ready_environment()
        self._launches += 1
        folder = guest_folder(self._launches)
        if self._mux is not None:
            inner = connection(f"{folder}/k", self.key)
        else:
            inner = tcp_connection("0.0.0.0", self._ports, self.key)
        fill = {"{connection_file}": f"{folder}/kernel.json", "{folder}": folder}
        process = await environment.wire.spawn(
            [_filled(word, fill) for word in self.command.argv],
            cwd=str(environment.base_paths.workspace),
            env=self.command.env or {},
            stdin=False,
            folders=[*environment.home_folders, folder],
            files=[
                (f"{folder}/kernel.json", json.dumps(inner)),
                *((f"{folder}/{name}", content) for name, content in self.command.files),
            ],
        )
        self._process, self.end = process, None
        self._said.clear()
        self._ended.clear()
        readers = self._own(self._keep_words(process.stdout), self._keep_words(process.stderr))
        self._own(self._follow(environment, process, readers))
        if meter is not None and environment.mounted is not None:
            self._own(self._guard_workspace(meter, process))
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
        if self._mux is None:
            self._ports = self._ports or _free_ports(5)
            self._plan = replace(self._plan, ports=tuple((port, port) for port in self._ports))
        self._engine_info = self._engine_info or await self._plan.engine.info()
        self.environment = await DockerEnvironment.create(self._plan, self._engine_info)
        return self.environment

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

    def _begin_meter(self) -> asyncio.Task[GrowthMeter] | None:
        """Start to add up the workspace while the container starts."""
        if not self._guard.is_needed:
            return None
        task = asyncio.create_task(self._guard.begin(self._ask_hidden))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask_hidden(self) -> Hidden:
        if self.environment is None:
            raise EnvironmentUnavailable("The container is not started.", "Start the kernel.")
        return await self.environment.hidden()

    async def _guard_workspace(
        self, beginning: asyncio.Task[GrowthMeter], process: GuestProcess
    ) -> None:
        culprit = Culprit(
            process.signal,
            process.exit.done,
            "the cell was interrupted",
            "the kernel went on in spite of interrupts and was killed",
        )
        await self._guard.watch(await beginning, culprit, self.tell)

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


def _free_ports(count: int) -> tuple[int, ...]:
    """Ports of the loopback that are free now; all are held until all are known."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return tuple(bound.getsockname()[1] for bound in sockets)
