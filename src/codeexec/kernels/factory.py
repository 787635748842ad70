"""Makes and finds kernels of all kinds: asks the backend that a choice or a handle names."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.env_vars.inherited import without_rule
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.options import PROGRAMS
from codeexec.domain.places.backends import ADDRESSES, CONTAINERS, LOCAL, OVER_SSH, REMOTE
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import KernelInfo
from codeexec.environments.trust.store import Trust, TrustStore
from codeexec.kernels.backends import BUILT_IN, Backend, BackendContext, Backends, RemoteTarget
from codeexec.kernels.base import Handle, Kernel, KernelChoice, KernelEvent, Sink
from codeexec.kernels.early import EarlyKernel
from codeexec.kernels.jupyter import discover
from codeexec.kernels.jupyter.kernel import START_TIMEOUT
from codeexec.kernels.local import LocalBackend

if TYPE_CHECKING:
    from codeexec.environments.base import Environment
    from codeexec.environments.files import Folder
    from codeexec.environments.holder.holding import Holding
    from codeexec.kernels.docker.containers import ContainerSettings

log = logging.getLogger(__name__)


def confined(choice: KernelChoice) -> KernelChoice:
    """The choice as a container of the image and policy that it is confined to."""
    return replace(
        choice,
        backend=CONTAINERS,
        image=choice.confined_image,
        policy=choice.confined_policy,
        transport="relay",
        classic=None,
        name="",
        connection_file="",
        language="",
    )


class Kernels:
    """A KernelFactory. `backends` are used beside those of the registry; `containers` gives the
    settings of containers. `trust` decides which interpreters of folders may be used; by default
    what the user has decided and remembered. `start_timeout` is in seconds. `holding` has the
    processes of local kernels; without it they are children of this process, and end with it.
    `observe` is called with each batch of events of a created kernel, before its sink. `remotes`
    gives the Jupyter servers of the settings."""

    def __init__(
        self,
        early: EarlyKernel | None = None,
        backends: Mapping[str, Backend] | None = None,
        *,
        containers: Callable[[], ContainerSettings] | None = None,
        trust: Trust | None = None,
        start_timeout: float = START_TIMEOUT,
        holding: Holding | None = None,
        observe: Sink | None = None,
        remotes: Callable[[], Sequence[RemoteTarget]] = tuple,
    ) -> None:
        self._observe = observe
        self._early = early or EarlyKernel()
        self._trust = trust or TrustStore()
        self._local = LocalBackend(self._early, self._trust, start_timeout, holding)
        context = BackendContext(
            containers or _default_settings, self._trust, start_timeout, holding, remotes
        )
        self._backends = Backends(context, {LOCAL: self._local, **(backends or {})})

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        choice = self._resolved(choice)
        if choice.backend != LOCAL:
            self._early.end()  # a guess that was wrong, and that nobody takes
        return self._backends.get(choice.backend).create(choice, self._observed(sink))

    def _observed(self, sink: Sink) -> Sink:
        observe = self._observe
        if observe is None:
            return sink

        def observed(events: Sequence[KernelEvent]) -> None:
            observe(events)
            sink(events)

        return observed

    def choose(self, choice: KernelChoice, name: str, policy: str = "") -> KernelChoice:
        if name:
            backend, argument = self._named(name)
            choice = backend.choose(choice, argument)
        if policy:
            if not self._backends.get(choice.backend).has_policies:
                raise UsageError(
                    "A policy is for containers, and this kernel is in none.",
                    "Choose a container first: docker:IMAGE",
                )
            choice = replace(choice, policy=policy)
        return choice

    def _confined(self, choice: KernelChoice) -> KernelChoice:
        """The choice in the container that it is confined to. Programs run in `place`, which is
        that container; they would run on this machine without one."""
        if choice.backend == PROGRAMS and choice.place is not None:
            return choice
        return confined(choice)

    def _resolved(self, choice: KernelChoice) -> KernelChoice:
        """The choice with the backend that its name means, where that names one."""
        backend, argument = self._named(choice.name)
        if backend is not self._local:
            choice = backend.choose(choice, argument)
        if choice.confined_policy:
            choice = self._confined(choice)
        if choice.backend not in (CONTAINERS, OVER_SSH):
            return choice
        # Nothing of ours is inherited there, and the rule for that would be one more variable.
        return replace(choice, env=without_rule(choice.env))

    def _named(self, name: str) -> tuple[Backend, str]:
        """The backend and its argument that a name such as `docker:IMAGE` or `docker` means; the
        local one with the whole name for every other."""
        if name.startswith(ADDRESSES):
            return self._backends.get(REMOTE), name
        prefix, colon, argument = name.partition(":")
        if prefix in BUILT_IN or (colon and prefix.isidentifier() and self._backends.has(prefix)):
            return self._backends.get(prefix), argument
        return self._local, name

    async def adopt(
        self, handle: Handle, sink: Sink, running: str = "", ask_user: AskUser | None = None
    ) -> Kernel | None:
        ref = handle.get("ref")
        name = str(ref.get("backend", LOCAL)) if isinstance(ref, dict) else LOCAL
        if not self._backends.has(name):
            return None  # made by another version of us, or its package was removed
        return await self._backends.get(name).adopt(handle, sink, running, ask_user)

    def environment(self, choice: KernelChoice, folder: Folder) -> Environment:
        choice = self._resolved(confined(choice) if choice.confined_policy else choice)
        name = choice.backend if self._backends.has(choice.backend) else LOCAL
        return self._backends.get(name).environment(choice, folder)

    def loss_reason(self, backend: str) -> str:
        name = backend if self._backends.has(backend) else LOCAL
        return self._backends.get(name).loss_reason

    async def close(self) -> None:
        for backend in self._backends.made:
            await backend.close()

    def list(self, cwd: str) -> Sequence[KernelInfo]:
        return discover.list_kernels(cwd or str(Path.cwd()), os.environ, self._trust)

    async def offers(self, session: str = "") -> Sequence[KernelInfo]:
        names = await asyncio.to_thread(lambda: self._backends.names)
        asked = (self._offers(name, session) for name in names if name != LOCAL)
        infos = [info for offered in await asyncio.gather(*asked) for info in offered]
        return list({(info.name, info.problem): info for info in infos}.values())

    async def _offers(self, name: str, session: str) -> Sequence[KernelInfo]:
        try:
            backend = self._backends.get(name)
            if not session:
                return await backend.offers()
            return [*await backend.offers(), *await backend.offers_of_session(session)]
        except CodeexecError as error:
            problem, fix = error.message, error.next_step
        except Exception as error:
            # Foreign code: one backend must not hide the kernels of the others.
            log.warning("offers of backend %s: %s", name, error, exc_info=error)
            problem, fix = f"{type(error).__name__}: {error}", "The server's log has all of it."
        return [KernelInfo(f"{name}:", name, "", "", name, problem=problem, fix=fix)]

    def held_back(self, choice: KernelChoice) -> tuple[str, str]:
        choice = self._resolved(choice)
        if not self._backends.has(choice.backend):
            return "", ""  # `create` says so
        return self._backends.get(choice.backend).held_back(choice)


def _default_settings() -> ContainerSettings:
    from codeexec.kernels.docker.containers import ContainerSettings

    return ContainerSettings()


def make_factory(
    early: EarlyKernel,
    containers: Callable[[], ContainerSettings] | None = None,
    holding: Holding | None = None,
    remotes: Callable[[], Sequence[RemoteTarget]] = tuple,
) -> Kernels:
    """The factory of a server that has spawned its first kernel already."""
    return Kernels(early, containers=containers, holding=holding, remotes=remotes)
