"""One folder of one machine, shared by the kernels of a session and by the session itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from codeexec.domain.ssh_place import SshPlace
from codeexec.environments.ssh.environment import SshEnvironment
from codeexec.environments.ssh.resumable import ResumableLine

LEFT = (
    "No line to {name} could be opened to end what runs there. It ends by itself three days after "
    "the last line."
)


class SshMachine:
    """Has an environment there as long as somebody uses it."""

    def __init__(self, place: SshPlace) -> None:
        self.place = place
        self.environment: SshEnvironment | None = None
        self._users: set[object] = set()
        self._making = asyncio.Lock()

    async def use(self, user: object) -> SshEnvironment:
        """The environment, made where there is none, until `user` lets go of it.
        EnvironmentUnavailable, SshFailure."""
        async with self._making:
            environment = self.environment
            if environment is None or environment.poll() is not None:
                environment = self.environment = await SshEnvironment.create(self.place)
            self._users.add(user)
            return environment

    async def let_go(self, user: object) -> bool:
        """End the environment unless somebody else uses it; false where it is not known whether
        all has ended there."""
        async with self._making:
            self._users.discard(user)
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
