"""Kernels in containers, as a backend of the factory: our choice of engine, image and policy."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from weakref import WeakValueDictionary

from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import KernelRef
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.places.containers import PORTS, ClassicLayout, checked_transport
from codeexec.domain.places.logins import AskUser
from codeexec.domain.requests import KernelInfo
from codeexec.environments.docker.engine import Engine, find_engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.image import DEFAULT_IMAGE
from codeexec.environments.docker.orphans import sweep
from codeexec.environments.docker.policy import EngineInfo, mountable, parse
from codeexec.environments.docker.pulling import Pull
from codeexec.environments.files import Folder
from codeexec.environments.trust.store import TrustStore
from codeexec.kernels.backends import Backend, BackendContext
from codeexec.kernels.base import Handle, Kernel, KernelChoice, Notice, Pulled, Sink
from codeexec.kernels.docker.classic import READY_DEADLINE, checked, require_network
from codeexec.kernels.docker.environment import ContainerPlace
from codeexec.kernels.docker.life import ContainerLife
from codeexec.kernels.docker.process import ContainerKernel, KernelCommand
from codeexec.kernels.docker.program_container import ProgramContainer
from codeexec.kernels.docker.warm_pool import WarmPool
from codeexec.kernels.jupyter.kernel import START_TIMEOUT, JupyterKernel
from codeexec.kernels.relay.launcher_files import launcher_files

log = logging.getLogger(__name__)

TELL_EVERY = 0.25
"""Seconds between two words on how far an image has come."""

ENVIRONMENT = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
"""What programs find in a kernel of this machine too, though nothing else of ours gets in."""


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """What holds where a choice says nothing: `engine` is docker, podman or auto, `context` one
    of that engine's, `image` empty for our own, `policy` as `environments.docker.policy.parse`
    reads it."""

    engine: str = "auto"
    context: str = ""
    image: str = ""
    policy: str = "locked"
    transport: str = "relay"
    """How kernels are reached, see `domain.containers.Transport`."""
    spare: bool = False
    """Keep a container ready for the next kernel in the same folder."""


class Containers(Backend):
    """Kernels in containers. `settings` are asked for at each kernel, so that a long-lived server
    uses new ones."""

    name = CONTAINERS
    has_policies = True
    loss_reason = "The session server ended, and the kernel's container ends with it."

    def __init__(
        self,
        settings: Callable[[], ContainerSettings] = ContainerSettings,
        *,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        self._settings = settings
        self._start_timeout = start_timeout
        self._engine_info: dict[Engine, EngineInfo] = {}
        self._spare = WarmPool()
        self._lives: WeakValueDictionary[tuple[str, int], ContainerLife] = WeakValueDictionary()
        """By session and number, in the order in which the kernels were made."""
        self._numbers = count()
        self._sweeping: dict[Engine, asyncio.Task[None]] = {}

    def choose(self, choice: KernelChoice, argument: str) -> KernelChoice:
        """`argument` is an image; empty: the one that settings name."""
        return replace(choice, backend=self.name, name="", image=argument, connection_file="")

    def create(self, choice: KernelChoice, sink: Sink) -> Kernel:
        """A kernel in the folder `choice.cwd`; UsageError for one that is not to be mounted, or a
        policy that makes no sense."""
        settings = self._settings()
        plan = _plan(choice, settings)
        image, policy, engine = plan.image, plan.policy, plan.engine
        layout, start_timeout = _layout(choice, settings), self._start_timeout
        if layout is not None:
            require_network(policy)
            start_timeout = min(start_timeout, READY_DEADLINE)
        command = KernelCommand(
            ("python3", "{folder}/launch.py", "-f", "{connection_file}"),
            {**ENVIRONMENT, **choice.env},
            launcher_files(),
        )

        def tell(title: str, message: str) -> None:
            sink([Notice("warning", title, message)])

        async def make() -> ContainerKernel:
            engine_info = await self._know(engine)
            if policy.pull and not await engine.has_image(image):
                await _fetch(engine, image, sink)
            if layout is not None:  # a spare has the folders of no layout
                return ContainerKernel(plan, classic=layout, engine_info=engine_info)
            kernel = self._spare.take(plan) or ContainerKernel(plan, engine_info=engine_info)
            if settings.spare:
                await self._spare.make(plan, engine_info)
            return kernel

        ref = KernelRef(
            f"{self.name}:{image}",
            f"Python 3 in {image}",
            "python",
            image,
            self.name,
            policy.words() if layout is None else f"{policy.words()} · {PORTS}",
            engine.name,
        )
        life = ContainerLife(plan, command, tell=tell, make=make)
        self._lives[choice.session, next(self._numbers)] = life
        return JupyterKernel(ref, life, sink, primed=True, start_timeout=start_timeout)

    async def adopt(
        self, handle: Handle, sink: Sink, running: str, ask_user: AskUser | None = None
    ) -> Kernel | None:
        """None: a container ends with the server that started it. What a crash may have left of
        it all the same (it was paused) is removed."""
        settings = self._settings()
        if workspace := str(handle.get("workspace") or ""):
            # Its code could change the folder until the crash.
            await asyncio.to_thread(TrustStore().record_mount, workspace)
        self._sweep(find_engine(settings.engine, settings.context))
        return None

    def environment(self, choice: KernelChoice, folder: Folder) -> ContainerPlace:
        def container() -> DockerEnvironment | None:
            """That of the oldest kernel of the session which is in one."""
            lives = [life for key, life in sorted(self._lives.items()) if key[0] == choice.session]
            environments = (life.kernel.environment for life in lives if life.kernel is not None)
            return next((life for life in environments if life and life.poll() is None), None)

        async def mounts() -> bool:
            settings = self._settings()
            return (await self._know(find_engine(settings.engine, settings.context))).local

        async def make_programs() -> ProgramContainer:
            plan = _plan(choice, self._settings())
            engine_info = await self._know(plan.engine)
            if plan.policy.pull and not await plan.engine.has_image(plan.image):
                await _fetch(plan.engine, plan.image, lambda events: None)
            return ProgramContainer(plan, engine_info)

        return ContainerPlace(folder, container, mounts, make_programs)

    async def offers(self) -> Sequence[KernelInfo]:
        from codeexec.kernels.docker.available_images import offers

        return await offers(self._settings())

    async def close(self) -> None:
        """End what was kept ready for kernels to come."""
        await self._spare.close()

    async def _know(self, engine: Engine) -> EngineInfo:
        """Asked for once: an engine that has become another one is told apart by its refusals."""
        self._sweep(engine)
        if engine not in self._engine_info:
            self._engine_info[engine] = await engine.info()
        return self._engine_info[engine]

    def _sweep(self, engine: Engine) -> None:
        """Once in our life, beside whatever is done with the engine."""
        if engine not in self._sweeping:
            self._sweeping[engine] = asyncio.create_task(_sweep(engine), name="sweep-containers")


def _plan(choice: KernelChoice, settings: ContainerSettings) -> ContainerPlan:
    """UsageError for a folder that is not to be mounted, or a policy that makes no sense."""
    return ContainerPlan(
        choice.image or settings.image or DEFAULT_IMAGE,
        parse(choice.policy or settings.policy),
        mountable(Path(choice.cwd)),
        find_engine(settings.engine, settings.context),
        choice.session,
    )


def _layout(choice: KernelChoice, settings: ContainerSettings) -> ClassicLayout | None:
    """The layout of a classic container; None for the transport `relay`. UsageError."""
    if checked_transport(choice.transport or settings.transport) == "relay":
        return None
    return checked(choice.classic or ClassicLayout())


def make_backend(context: BackendContext) -> Containers:
    """The backend `docker` of the registry."""
    return Containers(context.containers, start_timeout=context.start_timeout)


async def _fetch(engine: Engine, image: str, sink: Sink) -> None:
    """Fetch it, and tell how far it has come, at a pace that a journal bears."""
    latest = Pull()

    async def tell() -> None:
        reported: Pull | None = None
        while True:
            if latest != reported:
                reported = latest
                sink(
                    [
                        Pulled(
                            image,
                            reported.layers_done,
                            reported.layers,
                            reported.done,
                            reported.total,
                        )
                    ]
                )
            await asyncio.sleep(TELL_EVERY)

    telling = asyncio.create_task(tell(), name="tell-of-pull")
    try:
        async with aclosing(engine.pull(image)) as pulls:
            async for pull in pulls:
                latest = pull
    finally:
        telling.cancel()


async def _sweep(engine: Engine) -> None:
    try:
        removed = await sweep(engine)
    except CodeexecError as error:
        log.info("containers cannot be swept: %s", error)
        return
    if removed:
        log.warning("removed containers that a crash had left: %s", ", ".join(removed))
