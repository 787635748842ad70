"""One container as an Environment: it lives exactly as long as the pipe that we hold to it."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from codeexec.domain.errors import (
    CodeexecError,
    EnvironmentUnavailable,
    ProtocolError,
)
from codeexec.environments.base import (
    BasePaths,
    Location,
    Tell,
    TerminalSize,
)
from codeexec.environments.docker.container_cli import END_DEADLINE, ContainerCli
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.failures import explain
from codeexec.environments.docker.growth import Hidden
from codeexec.environments.docker.mounts import FolderMount, MountRecords, exchangeable
from codeexec.environments.docker.orphans import PREFIX, this_process
from codeexec.environments.docker.own_programs import executed_inside
from codeexec.environments.docker.policy import (
    APPLICATION,
    HOME,
    TEMPORARY,
    EngineInfo,
    Policy,
    identity,
    mountable,
    unenforced,
)
from codeexec.environments.docker.run_arguments import arguments
from codeexec.environments.forwarded import FileAccess, ForwardedFiles
from codeexec.environments.holder.terminal import terminal_env
from codeexec.environments.host_files import HostFiles
from codeexec.environments.paths import inside
from codeexec.environments.processes import Child
from codeexec.environments.relay.boot import boot_arguments, relay_source
from codeexec.environments.relay.connection import ContainerUsage, RelayConnection
from codeexec.environments.relay.files import GuestFiles
from codeexec.environments.relay.frames import PROTOCOL
from codeexec.environments.relay.processes import GuestProcess, GuestTerminal

START_DEADLINE = 60.0
SCRATCH = "/workspace"
"""Where code finds itself when no folder of the host is mounted."""


@dataclass(frozen=True, slots=True)
class ContainerPlan:
    """All that a container is made from."""

    image: str
    policy: Policy = Policy()  # noqa: RUF009  # frozen
    workspace: Path | None = None
    """Mounted at its own path; None is an empty folder that goes with the container."""
    engine: Engine = Engine()  # noqa: RUF009  # frozen
    session: str = ""
    """Told in the container's labels and name."""
    mounts: tuple[FolderMount, ...] = ()
    """Further folders, or the workspace at a second path."""
    ports: tuple[int, ...] = ()
    """TCP ports of the container, each mapped to a free port of the host's loopback."""
    blocked_hosts: tuple[str, ...] = ()
    """Names of hosts that lead nowhere in the container."""
    user: str = ""
    """`uid:gid` to run as; empty: the owner of the workspace."""


class DockerEnvironment(ForwardedFiles):
    """A container of an engine; made with `create`.

    Its first process is our relay, fed over the CLI's stdin. When that pipe ends, for whatever
    reason on our side, the relay ends, and the engine removes the container.
    """

    @classmethod
    async def create(
        cls, plan: ContainerPlan, engine_info: EngineInfo | None = None
    ) -> DockerEnvironment:
        """Start a container; EnvironmentUnavailable says why it cannot be.

        Without `engine_info` the engine is asked. Cancelled, it leaves no container behind.
        """
        engine_info = engine_info or await plan.engine.info()
        self = cls(plan, engine_info)
        try:
            await self._start()
        except BaseException:
            await asyncio.shield(self.terminate())
            raise
        return self

    def __init__(self, plan: ContainerPlan, engine_info: EngineInfo) -> None:
        self.plan = plan
        self.engine_info = engine_info
        workspace = mountable(plan.workspace, engine_info.private) if plan.workspace else None
        self._mounted = workspace if engine_info.local else None
        if self._mounted is not None and not self._mounted.is_dir():
            raise EnvironmentUnavailable(
                f"The workspace {self._mounted} is not a folder.", "Make it, or name another one."
            )
        for mount in plan.mounts:
            mountable(mount.source, engine_info.private)
        targets = {str(self._mounted): self._mounted} if self._mounted is not None else {}
        targets |= {mount.target: mount.source for mount in plan.mounts}
        self._expected = exchangeable(targets) if engine_info.shares_kernel else {}
        who = identity(engine_info, self._mounted)
        self.user = plan.user or who.user
        """`uid:gid` that code runs as."""
        notices = [*who.notices, *unenforced(plan.policy, engine_info)]
        if workspace is not None and self._mounted is None:
            notices.append(
                "The engine is on another machine: the workspace is not mounted there, its files "
                "are in the container and go with it."
            )
        self.notices: tuple[str, ...] = tuple(notices)
        """What the person should know about this container, one sentence each."""
        self._folder = PurePosixPath(workspace or SCRATCH)
        self._id = f"codeexec-{plan.session[:24] or 'kernel'}-{uuid.uuid4().hex[:10]}"
        self._cli = ContainerCli(plan.engine, self._id)
        self._wire: RelayConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._broken: CodeexecError | None = None
        self._python = (3, 0)
        self._paused = False
        self._ended_by_us = False
        self._records = MountRecords(self._id, self._changeable())
        self._files: HostFiles | GuestFiles = (
            HostFiles(self._mounted) if self._mounted else GuestFiles(self, self._folder)
        )

    # ---- Environment ---------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The container's name."""
        return self._id

    @property
    def base_paths(self) -> BasePaths:
        return BasePaths(self._folder, PurePosixPath(HOME), TEMPORARY, APPLICATION)

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> GuestProcess:
        folder = self._folder.joinpath(*inside(self._folder, cwd or ""))
        handle = await self.wire.spawn(
            command, cwd=str(folder), env=env or {}, folders=self.home_folders
        )
        if stdin is not None:
            handle.feed(stdin.encode() if isinstance(stdin, str) else stdin)
        return handle

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = TerminalSize(),  # noqa: B008  # frozen
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> GuestTerminal:
        folder = self._folder.joinpath(*inside(self._folder, cwd or ""))
        return await self.wire.open_terminal(
            command,
            size=size,
            cwd=str(folder),
            env=terminal_env({}, env or {}),
            folders=self.home_folders,
        )

    async def _file_access(self) -> FileAccess:
        return self._files

    async def for_programs(self, tell: Tell) -> DockerEnvironment:
        return self

    async def is_running(self) -> bool:
        return self.poll() is None

    def poll(self) -> int | None:
        """The CLI's exit code, which is the container's: 137 when it was killed from outside."""
        process = self._cli.process
        return process.returncode if process else None

    async def terminate(self) -> None:
        process = self._cli.process
        if process is not None and process.returncode is None:
            self._ended_by_us = True
            await self._cli.end(process, is_paused=self._paused)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if process is not None:
            process.close_pipes()
        await self._records.end()

    # ---- what only a container has -------------------------------------------------------------

    @property
    def wire(self) -> RelayConnection:
        if self._wire is None or self.poll() is not None:
            raise self.end_explained() or EnvironmentUnavailable("The container is not started.")
        return self._wire

    @property
    def home_folders(self) -> list[str]:
        """Folders that code expects to be there; a user site that is not there is not imported."""
        site = f"{HOME}/.local/lib/python{self._python[0]}.{self._python[1]}/site-packages"
        return [HOME, f"{HOME}/.ipython", f"{HOME}/.matplotlib", site]

    def _changeable(self) -> list[Path]:
        """Folders of the host that code in the container can change."""
        is_fixed = self._mounted is None or self.plan.policy.workspace_read_only
        further = [mount.source for mount in self.plan.mounts if mount.source != self._mounted]
        return [*([] if is_fixed or self._mounted is None else [self._mounted]), *further]

    @property
    def mounted(self) -> Path | None:
        """The host's folder that the code works in; None when it is the container's own."""
        return self._mounted

    async def usage(self) -> ContainerUsage:
        return await self.wire.usage()

    async def hidden(self, folder: str = "") -> Hidden:
        """What the file system of `folder` (empty: the workspace) holds of the container's
        processes without a name."""
        return Hidden(*await self.wire.unnamed(folder or str(self._folder)))

    async def mapped_ports(self) -> dict[int, int]:
        """The port of this machine for each of the plan's ports. EnvironmentUnavailable."""
        return await self.plan.engine.mapped_ports(self._id, self.plan.ports)

    async def pause(self) -> None:
        """Stop every process of the container where it is."""
        await self.plan.engine.pause(self._id)
        self._paused = True

    async def unpause(self) -> None:
        await self.plan.engine.call("unpause", self._id)
        self._paused = False

    @property
    def paused(self) -> bool:
        return self._paused

    async def wait(self) -> int:
        """Wait for the container's end, and give its exit code."""
        process = self._cli.process
        return await process.wait() if process is not None else 0

    def end_explained(self) -> CodeexecError | None:
        """Why the container ended; None while it runs."""
        if self._broken is not None:
            return self._broken
        code = self.poll()
        if code is None:
            return None
        if self._ended_by_us:
            return EnvironmentUnavailable("The container was ended.", "Start a new one.")
        words = {
            137: "was killed from outside, or by the engine for lack of memory",
            143: "was stopped from outside",
            0: "ended because its relay was ended from inside",
        }
        why = words.get(code)
        if why is None and code > 0 and self._cli.last_errors.strip():
            return explain(self.plan.engine.name, code, self._cli.last_errors, self.plan.image)
        why = why or (f"lost its engine's CLI (signal {-code})" if code < 0 else f"ended ({code})")
        return EnvironmentUnavailable(f"The container {why}.", "Restart the kernel.")

    # ---- start and end -------------------------------------------------------------------------

    async def _start(self) -> None:
        plan = self.plan
        argv = arguments(
            plan.policy,
            self.engine_info,
            image=plan.image,
            user=self.user,
            workspace=self._mounted,
            folder=str(self._folder),
            name=self._id,
            labels={**this_process().labels(), f"{PREFIX}.session": plan.session or "-"},
            # Programs of this machine, which the code must not change though it can the rest.
            executed=[inner for each in self._changeable() for inner in executed_inside(each)],
            mounts=plan.mounts,
            ports=plan.ports,
            blocked_hosts=plan.blocked_hosts,
        )
        await self._records.begin()
        process = await self._cli.start(*argv, *boot_arguments())
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(ConnectionError):
            process.stdin.write(relay_source())
        wire = self._wire = RelayConnection(process.stdout, process.stdin)
        self._tasks = [
            asyncio.create_task(self._carry(wire, process), name=f"wire of {self._id}"),
            asyncio.create_task(self._cli.listen(process), name=f"stderr of {self._id}"),
        ]
        try:
            async with asyncio.timeout(START_DEADLINE):
                hello = await wire.hello
        except TimeoutError:
            raise EnvironmentUnavailable(
                f"The container did not start within {START_DEADLINE:g} s.",
                "Look at the engine's load, and try again.",
            ) from None
        except EnvironmentUnavailable:
            await self._cli.ended_or_removed(process)
            await asyncio.wait(self._tasks, timeout=END_DEADLINE)
            code = process.returncode or 0
            raise self._broken or explain(
                plan.engine.name, code, self._cli.last_errors, plan.image
            ) from None
        if hello.get("protocol") != PROTOCOL:
            raise ProtocolError("What answered in the container is not our relay.")
        match hello.get("python"):
            case [int(major), int(minor), *_]:
                self._python = (major, minor)
            case _:
                raise ProtocolError("The relay in the container does not say its Python version.")
        if self._expected and await wire.identify(list(self._expected)) != self._expected:
            raise EnvironmentUnavailable(
                "A folder of the container was exchanged while it started: "
                f"{', '.join(self._expected)}.",
                "Stop the session whose code works in the folder above, and try again.",
            )

    async def _carry(self, wire: RelayConnection, process: Child) -> None:
        running = asyncio.ensure_future(wire.run())
        ended = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait({running, ended}, return_when=asyncio.FIRST_COMPLETED)
            # What it said last may be a moment behind. A child of it may hold the pipe for ever.
            await asyncio.wait({running}, timeout=END_DEADLINE if ended.done() else None)
        finally:
            running.cancel()
            ended.cancel()
        try:
            await running
        except asyncio.CancelledError:
            pass  # every stream and process of it has ended with that
        except ProtocolError as error:
            # The code inside has got at the pipe: nothing that comes from there can be trusted.
            error.next_step = "The container was removed. Restart the kernel."
            self._broken = error
            await self._cli.remove()
        if process.stdin is not None:
            process.stdin.close()
        await self._cli.ended_or_removed(process)
