"""The environments of a session: the place of its files and processes, by the backend it uses."""

from __future__ import annotations

from pathlib import Path

from codeexec.domain.places.backends import OVER_SSH, REMOTE
from codeexec.environments.base import Environment
from codeexec.environments.files import Folder
from codeexec.kernels.base import KernelChoice, KernelFactory


class SessionPlaces:
    """One environment for each kind of place that the session has used: a backend, with the image
    and the policy of a container, or the machine that `ssh` reaches, or a
    Jupyter server. Those of this machine see the
    folder `cwd` as it was when the session was opened: links to it that code makes later change
    nothing."""

    def __init__(self, factory: KernelFactory, cwd: Path) -> None:
        self._factory = factory
        self._folder = Folder(cwd)
        self._made: dict[tuple[str, str, str, str], Environment] = {}

    def of(self, choice: KernelChoice) -> Environment:
        """The place of kernels of this choice."""
        machine = choice.name if choice.backend in (OVER_SSH, REMOTE) else ""
        key = (choice.backend, choice.image, choice.policy, machine)
        environment = self._made.get(key)
        if environment is None:
            environment = self._factory.environment(choice, self._folder)
            self._made[key] = environment
        return environment

    async def close(self) -> None:
        """End the processes that were started in them by us; kernels are not among them."""
        made, self._made = self._made, {}
        for environment in made.values():
            await environment.terminate()
