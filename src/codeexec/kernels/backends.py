"""Backends: the kinds of places that kernels run in, found by name in a registry.

A backend of another distribution is registered by an entry point of the group `codeexec.backends`:
its name is that of the backend, its object is called with a BackendContext and returns a Backend.
Its kernels are asked for as `NAME:ARGUMENT`.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from codeexec.domain.env_vars.inherited import rule_of
from codeexec.domain.errors import CodeexecError, KernelUnavailable
from codeexec.domain.options import PROGRAMS
from codeexec.domain.places.backends import CONTAINERS, LOCAL, OVER_SSH, REMOTE
from codeexec.domain.places.logins import AskUser
from codeexec.kernels.base import Handle, Kernel, KernelChoice, Sink

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from codeexec.domain.requests import KernelInfo
    from codeexec.environments.base import Environment
    from codeexec.environments.files import Folder
    from codeexec.environments.holder.holding import Holding
    from codeexec.environments.trust.store import Trust
    from codeexec.kernels.docker.containers import ContainerSettings

log = logging.getLogger(__name__)

GROUP = "codeexec.backends"
BUILT_IN = {
    CONTAINERS: "codeexec.kernels.docker.containers:make_backend",
    PROGRAMS: "codeexec.kernels.process.steps.kernel:make_backend",
    OVER_SSH: "codeexec.kernels.ssh.backend:make_backend",
    REMOTE: "codeexec.kernels.jupyter.remote.backend:make_backend",
}
"""Backends of ours that are loaded when they are wanted; each `MODULE:FUNCTION`."""


class RemoteTarget(Struct, frozen=True):
    """A Jupyter server of the settings, or with `launch` a machine that `ssh` reaches, whose
    kernels run in jobs. `ca_file` is a path, empty: the system's authorities."""

    name: str
    url: str
    token: str = ""
    ca_file: str = ""
    keep_active: bool = True
    kernel_env: tuple[tuple[str, str], ...] = ()
    """Variables for kernels of an Enterprise Gateway."""
    launch: str = ""
    """Starts a job (`domain/places/jobs.py`); then there is no `url`."""
    password: str = ""

    def __repr__(self) -> str:
        return f"RemoteTarget({self.name!r})"


class BackendContext(Struct, frozen=True):
    """What a backend is made with: `containers` gives the settings of containers, `trust` decides
    what may be executed, `start_timeout` is in seconds. `holding` has processes that outlive the
    server; None where there is no server. `remotes` gives the Jupyter servers of the settings."""

    containers: Callable[[], ContainerSettings]
    trust: Trust
    start_timeout: float
    holding: Holding | None = None
    remotes: Callable[[], Sequence[RemoteTarget]] = tuple


class Backend(ABC):
    """Makes kernels of one kind. A subclass must have `name` and `create`; the defaults suit
    kernels that cannot be adopted and offer nothing to choose from."""

    name: str
    """Stands in `KernelRef.backend` and before the colon in names of kernels."""

    has_policies: bool = False
    """Whether `KernelChoice.policy` means something for it."""

    loss_reason: str = "The session server ended and the kernel did not live on."
    """Why a kernel that could not be adopted is gone."""

    def choose(self, choice: KernelChoice, argument: str) -> KernelChoice:
        """The choice that `NAME:ARGUMENT` means, for the same folder and environment."""
        return replace(
            choice, backend=self.name, name=argument, image="", policy="", connection_file=""
        )

    @abstractmethod
    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        """See `KernelFactory.create`."""

    async def adopt(
        self, handle: Handle, sink: Sink, running: str, ask_user: AskUser | None = None
    ) -> Kernel | None:
        """See `KernelFactory.adopt`."""
        return None

    def environment(self, choice: KernelChoice, folder: Folder) -> Environment:
        """The place of the files and processes of a session with this choice: `folder` as the
        session was opened with it, unless kernels run elsewhere. Not asked for twice."""
        from codeexec.environments.local import LocalEnvironment  # not at the start

        return LocalEnvironment(folder, rule=rule_of(choice.env))

    def held_back(self, choice: KernelChoice) -> tuple[str, str]:
        """See `KernelFactory.held_back`."""
        return "", ""

    async def offers(self) -> Sequence[KernelInfo]:
        """The kernels that a user may choose, well or not, and why; within a few seconds."""
        return ()

    async def offers_of_session(self, session: str) -> Sequence[KernelInfo]:
        """Those of machines that the session with this id is connected to; within a few seconds."""
        return ()

    async def close(self) -> None:  # noqa: B027  # most keep nothing ready
        """End what was kept ready for kernels to come; can be repeated."""


class Backends:
    """The registry: those that are given, ours, and those of entry points, each made once."""

    def __init__(self, context: BackendContext, backends: Mapping[str, Backend]) -> None:
        self._context = context
        self._made = dict(backends)
        self._entry_points: dict[str, EntryPoint] | None = None

    @property
    def made(self) -> tuple[Backend, ...]:
        return tuple(self._made.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Of all there are. The first time it looks through what is installed: some 20 ms."""
        return tuple(dict.fromkeys((*self._made, *BUILT_IN, *self._found())))

    def has(self, name: str) -> bool:
        return name in self._made or name in BUILT_IN or name in self._found()

    def get(self, name: str) -> Backend:
        """KernelUnavailable where there is none of this name, or it cannot be loaded."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Backend:
        if name in BUILT_IN:
            module, _, function = BUILT_IN[name].partition(":")
            make = getattr(import_module(module), function)
        elif name in self._found():
            make = self._load(self._found()[name])
        else:
            names = ", ".join(sorted(self.names))
            raise KernelUnavailable(f"There is no backend {name!r}.", f"There are: {names}.")
        backend: Backend = make(self._context)
        return backend

    def _load(self, entry_point: EntryPoint) -> Callable[[BackendContext], Backend]:
        def make(context: BackendContext) -> Backend:
            try:
                backend: Backend = entry_point.load()(context)
                return backend
            except CodeexecError:
                raise
            except Exception as error:
                # Foreign code may raise whatever it likes as it is imported.
                log.warning("backend %s: %s", entry_point.name, error, exc_info=error)
                package = entry_point.dist.name if entry_point.dist else entry_point.value
                raise KernelUnavailable(
                    f"The backend {entry_point.name} cannot be loaded: "
                    f"{type(error).__name__}: {error}.",
                    f"Update or remove the package {package}.",
                ) from error

        return make

    def _found(self) -> dict[str, EntryPoint]:
        if self._entry_points is None:
            from importlib.metadata import entry_points  # seldom needed: not at the start

            self._entry_points = {}
            for entry_point in entry_points(group=GROUP):
                if entry_point.name in BUILT_IN or entry_point.name == LOCAL:
                    log.warning(
                        "the backend %s of %s is one of ours", entry_point.name, entry_point.value
                    )
                elif entry_point.name not in self._entry_points:
                    self._entry_points[entry_point.name] = entry_point
        return self._entry_points
