"""A folder of a machine that `ssh` reaches as an Environment: our relay runs there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable, ProtocolError
from codeexec.domain.events.lines import LineCut
from codeexec.domain.places.logins import AskUser
from codeexec.domain.places.ssh import SshPlace
from codeexec.environments.base import (
    BasePaths,
    Location,
    Tell,
    TerminalSize,
)
from codeexec.environments.forwarded import FileAccess, ForwardedFiles
from codeexec.environments.holder.terminal import terminal_env
from codeexec.environments.paths import inside
from codeexec.environments.relay.connection import RelayConnection, Site
from codeexec.environments.relay.files import GuestFiles
from codeexec.environments.relay.frames import PROTOCOL
from codeexec.environments.relay.processes import GuestProcess, GuestTerminal
from codeexec.environments.ssh.job import BatchJob, ask_job, job_lines, remove_folder
from codeexec.environments.ssh.resumable import Far, ResumableLine

MOST_LINES = 3
"""Lines of the batch system that are kept to say why a job has ended."""

HELLO_WAIT = 60.0
"""Seconds for the relay to say that it runs."""

LineListener = Callable[[LineCut | None], None]


class SshEnvironment(ForwardedFiles):
    """A folder there, and the processes that we start in it; made with `create`.

    When the line is cut, streams are silent and requests wait until it is back. All processes end
    with `terminate`, and by themselves three days after the last line."""

    @classmethod
    async def create(
        cls,
        place: SshPlace,
        ask_user: AskUser | None = None,
        *,
        launch: str = "",
        on_said: Callable[[str], None] = lambda line: None,
    ) -> SshEnvironment:
        """Open a line and start the relay. EnvironmentUnavailable says why it cannot be, SshFailure
        where no line can be opened. Cancelled, it leaves nothing there. `ask_user` answers what
        `ssh` asks, also when a line that was cut is opened again; None: it asks nothing. `launch`
        starts the relay in a job, for which this waits; `on_said` is called with each line that
        the batch system says."""
        self = cls(place, ask_user, launch, on_said)
        await self._start_or_leave_nothing()
        return self

    @classmethod
    async def take_over(
        cls,
        place: SshPlace,
        spool: str,
        ask_user: AskUser | None = None,
        *,
        launch: str = "",
        on_said: Callable[[str], None] = lambda line: None,
    ) -> SshEnvironment:
        """Go on in the folder `spool` that an environment of another session server has had there,
        and whose processes run on: where that was in a job (`launch`), with the same relay, whose
        `wire` knows the processes. EnvironmentUnavailable, SshFailure."""
        self = cls(place, ask_user, launch, on_said)
        await self._start_or_leave_nothing(spool)
        return self

    def __init__(
        self,
        place: SshPlace,
        ask_user: AskUser | None = None,
        launch: str = "",
        on_said: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.place = place
        self.job = BatchJob()
        """In which all runs; empty without `launch`."""
        self._launch, self._on_said = launch, on_said
        self._last_words: list[str] = []
        """Of the batch system."""
        self._line = ResumableLine(
            place, self._line_changed, ask_user, launch=launch, on_said=self._said
        )
        self._listeners: list[LineListener] = []
        self._cut: LineCut | None = None
        self._wire: RelayConnection | None = None
        self._carrying: asyncio.Task[None] | None = None
        self._broken: CodeexecError | None = None
        self._has_ended = False
        self._far = Far(PurePosixPath("/tmp"), PurePosixPath("/"), "python3", (0, 0))
        self._files = GuestFiles(self, self._far.home)

    # ---- Environment ---------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return f"{self.place.host}:{self._far.folder.name}"

    @property
    def machine(self) -> str:
        return self.place.host

    @property
    def base_paths(self) -> BasePaths:
        far = self._far
        return BasePaths(self.folder, far.home, PurePosixPath("/tmp"), far.folder / "application")

    async def exec(
        self,
        command: Sequence[str],
        *,
        stdin: bytes | str | None = None,
        cwd: Location | None = None,
        env: Mapping[str, str] | None = None,
    ) -> GuestProcess:
        folder = self.folder.joinpath(*inside(self.folder, cwd or ""))
        handle = await self.wire.spawn(command, cwd=str(folder), env=env or {})
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
        folder = self.folder.joinpath(*inside(self.folder, cwd or ""))
        return await self.wire.open_terminal(
            command, size=size, cwd=str(folder), env=terminal_env({}, env or {})
        )

    async def _file_access(self) -> FileAccess:
        return self._files

    async def for_programs(self, tell: Tell) -> SshEnvironment:
        return self

    async def is_running(self) -> bool:
        return self.poll() is None

    def poll(self) -> int | None:
        return 0 if self._has_ended else None

    async def terminate(self) -> None:
        await self.end()

    # ---- what only another machine has ---------------------------------------------------------

    @property
    def wire(self) -> RelayConnection:
        if self._wire is None or self._has_ended:
            raise self.end_explained()
        return self._wire

    @property
    def folder(self) -> PurePosixPath:
        """The workspace there."""
        return self._far.home / self.place.folder

    @property
    def own_folder(self) -> PurePosixPath:
        """A folder there with a short path, 0700, which is removed at the end."""
        return self._far.folder

    @property
    def python(self) -> str:
        """The interpreter there that was found on the PATH of the login."""
        return self._far.python

    @property
    def cut(self) -> LineCut | None:
        """Since the line is cut."""
        return self._cut

    def listen(self, listener: LineListener) -> Callable[[], None]:
        """Call `listener` when the line is cut, at each attempt that fails, and with None when it
        is back. Returns what stops that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def try_now(self) -> None:
        """Make the next attempt to open a line that is cut at once."""
        self._line.try_now()

    async def end(self) -> bool:
        """The same as `terminate`; false where it is not known whether all has ended there, as no
        line could be opened."""
        if self._has_ended:
            return True
        if self._launch and self._wire is not None and self._wire.hello.done():
            await remove_folder(self._wire, str(self.own_folder))
        self._has_ended = True
        is_confirmed = await self._line.end()
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.gather(self._carrying, return_exceptions=True)
        return is_confirmed

    def end_explained(self) -> CodeexecError:
        """Why it is not there, or not there any more."""
        if self._broken is not None:
            return self._broken
        if self._line.failure is not None:
            failure = self._line.failure
            return EnvironmentUnavailable(failure.message, failure.next_step)
        name = self.place.host
        if self._launch:
            reason = f": {' · '.join(self._last_words)}" if self._last_words else ""
            return EnvironmentUnavailable(
                f"The job on {name} has ended{reason.rstrip('.')}.", "Another run starts a new job."
            )
        return EnvironmentUnavailable(f"Our relay on {name} has ended.", "Restart the kernel.")

    async def leave(self, kept: Iterable[GuestProcess]) -> None:
        """Close the line. These processes go on for another session server, all others end."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._wire is not None:
            for process in self._wire.running:
                if process not in kept:
                    process.send_kill()
        await self._line.leave()
        if self._carrying is not None:
            self._carrying.cancel()
            await asyncio.gather(self._carrying, return_exceptions=True)

    async def _start_or_leave_nothing(self, spool: str = "") -> None:
        try:
            await self._start(spool)
        except BaseException:
            await asyncio.shield(self.terminate())
            raise

    async def _start(self, spool: str = "") -> None:
        self._far = await (self._line.take_over(spool) if spool else self._line.open())
        name = self.place.host
        inside_words = f"on {name}"
        self._files = GuestFiles(self, self.folder, self._far.python, inside_words)
        site = Site(
            f"Our relay on {name}",
            inside_words,
            missing_step="Install it there, or make the folder.",
            silent_step="The line to it is slow or cut: wait until it is back.",
        )
        wire = self._wire = RelayConnection(self._line.reader, self._line, site)
        self._carrying = asyncio.create_task(self._carry(wire), name=f"relay on {name}")
        try:
            # A job may wait in its queue for days.
            async with asyncio.timeout(None if self._launch and not spool else HELLO_WAIT):
                hello = await wire.hello
        except EnvironmentUnavailable:
            if self._launch:
                raise self.end_explained() from None
            raise
        except TimeoutError:
            raise EnvironmentUnavailable(
                f"Our relay on {name} did not start within {HELLO_WAIT:g} s.",
                "Look at the load of that machine, and try again.",
            ) from None
        if hello.get("protocol") != PROTOCOL:
            raise ProtocolError(f"What answered on {name} is not our relay.")
        if self._launch:
            self.job = await ask_job(wire, str(self.own_folder))
        folder = str(self.folder)
        if (await wire.identify([folder])).get(folder) is None:
            raise EnvironmentUnavailable(
                f"There is no folder {folder} on {name}.", f"Make it there: ssh {name}"
            )

    async def _carry(self, wire: RelayConnection) -> None:
        try:
            await wire.run()
        except ProtocolError as error:
            self._broken = error
        if not self._has_ended:
            await self._end_line()

    async def _end_line(self) -> None:
        """The relay has ended by itself: nothing is left to be kept there."""
        self._has_ended = True
        await self._line.end()

    def _said(self, text: str) -> None:
        lines = job_lines(text)
        self._last_words = [*self._last_words, *lines][-MOST_LINES:]
        for line in lines:
            self._on_said(line)

    def _line_changed(self, cut: LineCut | None) -> None:
        if cut is None and self._cut is None:
            return
        self._cut = cut
        for listener in tuple(self._listeners):
            listener(cut)
