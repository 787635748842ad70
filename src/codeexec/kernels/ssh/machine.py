"""One folder of one machine, shared by the kernels of a session and by the session itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codeexec.domain.places.logins import AskUser
from codeexec.domain.places.ssh import SshPlace
from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.environments.ssh.failures import ASKED_ABOUT, SshFailure
from codeexec.environments.ssh.resumable import ResumableLine

ADOPT_WAIT, ADOPT_PAUSE = 60.0, 2.0
"""Seconds for which a machine is tried that the journal names, and between two attempts."""
LEFT = (
    "No line to {name} could be opened to end what runs there. That is tried again; it ends by "
    "itself three days after the last line."
)


class SshMachine:
    """Has an environment there as long as it is used."""

    def __init__(self, place: SshPlace, launch: str = "") -> None:
        """`launch` starts a job in which all kernels of the session there run; empty: they run on
        the machine itself."""
        self.place = place
        self.launch = launch
        self.on_said: Callable[[str], None] = lambda line: None
        """Called with each line that the batch system says."""
        self.ask_user: AskUser | None = None
        """Answers what `ssh` asks; None: it asks nothing."""
        self.environment: SshEnvironment | None = None
        self._is_tired = False
        """The last login failed: only a start of a kernel asks the user again."""
        self._users: set[object] = set()
        self.outliving: dict[object, GuestProcess] = {}
        """Processes that go on for the next session server, by user."""
        self._making = asyncio.Lock()

    async def use(self, user: object, *, is_start: bool = False) -> SshEnvironment:
        """The environment, made where there is none, until `user` lets go of it. `is_start`: for
        the start of a kernel. EnvironmentUnavailable, SshFailure."""
        async with self._making:
            environment = self.environment
            if environment is None or environment.poll() is not None:
                ask_user = self.ask_user if is_start or not self._is_tired else None
                environment = self.environment = await self._create(ask_user)
            self._users.add(user)
            return environment

    async def _create(self, ask_user: AskUser | None) -> SshEnvironment:
        try:
            environment = await SshEnvironment.create(
                self.place, ask_user, launch=self.launch, on_said=lambda line: self.on_said(line)
            )
        except SshFailure as error:
            self._is_tired = error.kind in ASKED_ABOUT
            raise
        self._is_tired = False
        return environment

    async def take_over(self, user: object, spool: str) -> SshEnvironment:
        """The environment that another session server has left; errors as of `use`."""
        async with self._making:
            environment = self.environment
            if environment is None or environment.poll() is not None:
                environment = self.environment = await self._find_again(spool)
            self._users.add(user)
            return environment

    async def _find_again(self, spool: str) -> SshEnvironment:
        """Try for a minute to reach it: the network may be away as well when a server starts."""
        loop, ask_user = asyncio.get_running_loop(), self.ask_user
        end = loop.time() + ADOPT_WAIT
        while True:
            try:
                return await SshEnvironment.take_over(
                    self.place,
                    spool,
                    ask_user,
                    launch=self.launch,
                    on_said=lambda line: self.on_said(line),
                )
            except SshFailure as error:
                ask_user = None if error.kind in ASKED_ABOUT else ask_user  # asked once
                if error.kind == "gone" or loop.time() > end:
                    raise
                await asyncio.sleep(ADOPT_PAUSE)

    async def leave(self) -> None:
        """Close the line: the session server ends, and the next one goes on."""
        async with self._making:
            environment, self.environment = self.environment, None
            self._users.clear()
            if environment is not None:
                await environment.leave(self.outliving.values())

    async def let_go(self, user: object) -> bool:
        """End the environment unless others use it; false where it is not known whether all has
        ended there."""
        async with self._making:
            self._users.discard(user)
            self.outliving.pop(user, None)
            environment = self.environment
            if self._users or environment is None:
                return True
            self.environment = None
            return await environment.end()


async def end_left(place: SshPlace, folder: str, tell: Callable[[str], None]) -> None:
    """End what a session server that was killed has left in `folder` there."""
    line = ResumableLine(place, lambda cut: None)
    line.join(folder)
    if not await line.end():
        tell(LEFT.format(name=place.host))
