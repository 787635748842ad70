"""Where code runs when nothing is said: this machine, in a folder of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from pathlib import Path, PurePosixPath

from codeexec.domain.env_vars.secret import without_secrets
from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.environments.base import BasePaths, Location, Tell, TerminalSize
from codeexec.environments.files import Folder
from codeexec.environments.holder.command import HeldCommand, start_command
from codeexec.environments.holder.holding import Holding
from codeexec.environments.holder.terminal import LocalTerminal, open_local_terminal, terminal_env
from codeexec.environments.host_files import HostFiles
from codeexec.environments.marks import end_marked
from codeexec.environments.paths import inside
from codeexec.environments.processes import Child, chunks, start
from codeexec.environments.temporary import LockedFolder
from codeexec.hostfiles.place import locate

GUEST = Path(__file__).parents[1] / "guest"
"""Runner scripts of ours, as they are installed."""
_MARK = "APP_DIR"
"""Variable of all commands of an environment that has an application folder of its own: by this
they are found at its end."""


class LocalEnvironment(HostFiles):
    """A folder of this machine. Processes run as the user, with the user's environment."""

    def __init__(
        self,
        workspace: Path | Folder,
        holding: Holding | None = None,
        rule: Mapping[str, str] | None = None,
        application: LockedFolder | None = None,
    ) -> None:
        """A `Folder` need not be there: its files are not there then, and no command starts.
        `holding` has the terminals; without it a holder is begun for the first terminal, and ends
        with this environment. `rule` is the variable RULE of the session, where it has one.
        `application` is a folder for runner scripts, removed at the end; without it there are only
        the installed ones."""
        if isinstance(workspace, Folder):
            self._root = workspace.real
            super().__init__(workspace)
        else:
            self._root = locate(workspace).real
            super().__init__(self._root)
            if not self._root.is_dir():
                raise EnvironmentUnavailable(
                    f"The folder {workspace} is not there.", "Make it, or name another one."
                )
        self._id = f"local-{uuid.uuid4().hex[:8]}"
        self._rule = dict(rule or {})
        self._running: set[LocalHandle] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._holding = holding or Holding()
        self._owns_holding = holding is None
        self._terminals: set[LocalTerminal] = set()
        self._ended = False
        self._own_application = application
        self._application = application.path if application is not None else GUEST
        self._mark = {_MARK: str(application.path)} if application is not None else {}

    @property
    def id(self) -> str:
        return self._id

    @property
    def base_paths(self) -> BasePaths:
        return BasePaths(
            PurePosixPath(self._root),
            PurePosixPath(Path.home()),
            PurePosixPath(tempfile.gettempdir()),
            PurePosixPath(self._application),
        )

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> LocalHandle:
        if self._ended:
            raise EnvironmentUnavailable("This environment was ended.", "Make a new one.")
        folder = self._root.joinpath(*inside(PurePosixPath(self._root), cwd or ""))
        environ = without_secrets({**os.environ, **(env or {}), **self._rule, **self._mark})
        try:
            process = await start(command, cwd=folder, env=environ)
        except OSError as error:
            raise _not_started(command, folder, error) from error
        handle = LocalHandle(process)
        self._running = {other for other in self._running if other.poll() is None} | {handle}
        if stdin is not None:
            handle.feed(stdin.encode() if isinstance(stdin, str) else stdin)
        return handle

    async def exec_held(self, command: Sequence[str], env: Mapping[str, str]) -> HeldCommand:
        """Start a command without input in the workspace, whose memory and time are to be known."""
        if self._ended:
            raise EnvironmentUnavailable("This environment was ended.", "Make a new one.")
        environ = without_secrets({**os.environ, **env, **self._rule})
        holder = await self._holding.client()
        try:
            return await start_command(holder, command, cwd=self._root, env=environ)
        except OSError as error:
            raise _not_started(command, self._root, error) from error

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = TerminalSize(),  # noqa: B008  # frozen
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
        folder: str = "",
    ) -> LocalTerminal:
        """`folder` is a private one that was made for the terminal before; else one is made."""
        if self._ended:
            raise EnvironmentUnavailable("This environment was ended.", "Make a new one.")
        place = self._root.joinpath(*inside(PurePosixPath(self._root), cwd or ""))
        environ = without_secrets({**terminal_env(os.environ, env or {}), **self._rule})
        holder = await self._holding.client()
        try:
            terminal = await open_local_terminal(
                holder, command, size=size, cwd=place, env=environ, folder=folder
            )
        except OSError as error:
            raise _not_started(command, place, error) from error
        self._terminals = {each for each in self._terminals if each.poll() is None} | {terminal}
        return terminal

    async def for_programs(self, tell: Tell) -> LocalEnvironment:
        return self

    async def find_terminal(self, folder: str) -> LocalTerminal | None:
        """A terminal that was kept, by its folder: of this server, or of one before it."""
        process = await self._holding.find(folder)
        if process is None:
            return None
        terminal = LocalTerminal(process)
        self._terminals.add(terminal)
        return terminal

    def release(self, terminal: LocalTerminal) -> None:
        """Let it go on when this environment ends: it was kept for another server."""
        self._terminals.discard(terminal)

    async def is_running(self) -> bool:
        return not self._ended

    def poll(self) -> int | None:
        return 0 if self._ended else None

    def end_later(self, ending: Coroutine[None, None, None]) -> None:
        """Let a command that is over be ended in the background, at the latest with this place."""
        task = asyncio.create_task(ending)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def terminate(self) -> None:
        self._ended = True
        running, self._running = self._running, set()
        terminals, self._terminals = self._terminals, set()
        ends = [handle.kill() for handle in running] + [terminal.kill() for terminal in terminals]
        await asyncio.gather(*ends)
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._owns_holding:
            self._holding.close()
        if self._own_application is not None:
            # What left the group of its command, or outlived it.
            await asyncio.to_thread(end_marked, _MARK, self._mark[_MARK])
            await asyncio.to_thread(self._own_application.remove)


def _not_started(command: Sequence[str], folder: Path, error: OSError) -> EnvironmentUnavailable:
    return EnvironmentUnavailable(
        f"{command[0]!r} cannot be started in {folder}: {error.strerror}.",
        "Check that it is installed, executable and spelled right.",
    )


class LocalHandle:
    """A process of this machine and its group."""

    def __init__(self, process: Child) -> None:
        self._process = process
        self._feeding: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stdout(self) -> AsyncIterator[bytes]:
        return chunks(self._process.stdout)

    @property
    def stderr(self) -> AsyncIterator[bytes]:
        return chunks(self._process.stderr)

    def feed(self, data: bytes) -> None:
        """Write `data` and close stdin, beside whatever else is done with the process."""
        self._feeding = asyncio.get_running_loop().create_task(self._feed(data))

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        if self._process.stdin.is_closing():
            raise BrokenPipeError("stdin is closed")
        self._process.stdin.write(data)
        try:
            await self._process.stdin.drain()
        except ConnectionResetError as error:
            raise BrokenPipeError("stdin is closed") from error

    async def close_stdin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    def poll(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    async def signal(self, number: int) -> None:
        self._process.signal_group(number)

    async def kill(self) -> None:
        await self._process.end()
        if self._feeding is not None:
            self._feeding.cancel()

    async def _feed(self, data: bytes) -> None:
        # A command that does not want its input is no error.
        with contextlib.suppress(BrokenPipeError):
            await self.write(data)
        await self.close_stdin()
