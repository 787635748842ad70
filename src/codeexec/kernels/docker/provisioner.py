"""A kernel in a container for any Jupyter program: a provisioner of jupyter_client.

Found by the entry point `codeexec-docker` of the group jupyter_client.kernel_provisioners. The
pipe to the container is carried by a thread with a loop of its own, so that it works alike for
AsyncKernelManager, the blocking KernelManager and MultiKernelManager, and a busy program does not
hold up the wire.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Dict, Unicode

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.places.containers import ClassicLayout, checked_transport
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.environments.docker.image import DEFAULT_IMAGE
from codeexec.environments.docker.policy import Policy, mountable, preset
from codeexec.environments.relay.connection import ContainerUsage
from codeexec.kernels.docker.process import ContainerKernel, KernelCommand
from codeexec.kernels.relay.kernel_exit import KernelEnd

_T = TypeVar("_T")


class LoopThread:
    """An event loop on a thread of its own, whose coroutines can be awaited from any other."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        # Daemonic: when the program ends, so do our pipes, and with them the containers.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def call(self, coroutine: Coroutine[object, object, _T]) -> _T:
        """Run it over there; cancelled there when it is cancelled here."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self.loop))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()


class DockerProvisioner(KernelProvisionerBase):
    """Config stanza of a kernelspec, all of it optional: see the traits' help.

    After a start `policy_words` says what confines the kernel, `notices` what a person should
    know, and `end` why the kernel ended, as soon as it has.
    """

    image = Unicode(DEFAULT_IMAGE, config=True, help="The image; it has python3 and ipykernel.")
    preset = Unicode("locked", config=True, help="locked, network or open.")
    settings = Dict(config=True, help="Changes to the preset, by the names of Policy's fields.")
    workspace = Unicode(
        "",
        config=True,
        help="The folder to mount; empty: the folder the kernel is started in; `none`: an empty "
        "one in the container.",
    )
    transport = Unicode("relay", config=True, help="relay (one pipe) or ports (five mapped ports).")
    engine = Unicode("docker", config=True, help="The engine's command: docker or podman.")
    context = Unicode("", config=True, help="A context of the engine's command.")
    session = Unicode("", config=True, help="A name for the container's labels.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel: ContainerKernel | None = None
        self.end: KernelEnd | None = None
        self.told: list[str] = []
        """What was to be told the person since the start, such as a workspace over its quota."""
        self.thread: LoopThread | None = None
        """The loop that `kernel` and its environment belong to."""
        self._has_process = False
        self._folder: Path | None = None

    # ---- what a session wants to know ----------------------------------------------------------

    @property
    def policy(self) -> Policy:
        """UsageError for a preset or setting that is not there."""
        return preset(self.preset).but(**self.settings)

    @property
    def policy_words(self) -> str:
        return self.policy.words()

    @property
    def notices(self) -> tuple[str, ...]:
        return self.kernel.notices if self.kernel else ()

    async def usage(self) -> ContainerUsage:
        """Memory and processes of the container; EnvironmentUnavailable when it is not there."""
        kernel, thread = self._running()
        return await thread.call(kernel.usage())

    async def pause(self) -> None:
        """Stop every process of the container where it is, until `unpause`."""
        kernel, thread = self._running()
        await thread.call(kernel.pause())

    async def unpause(self) -> None:
        kernel, thread = self._running()
        await thread.call(kernel.unpause())

    # ---- KernelProvisionerBase -----------------------------------------------------------------

    @property
    def has_process(self) -> bool:
        return self._has_process

    async def poll(self) -> int | None:
        if not self._has_process or self.kernel is None:
            return 0
        if self.kernel.is_running:
            return None
        self.end = self.kernel.end
        return self.end.code if self.end else 0

    async def wait(self) -> int | None:
        if self._has_process and self.kernel is not None and self.thread is not None:
            self.end = await self.thread.call(self.kernel.wait())
            self._has_process = False
            return self.end.code
        return 0

    async def send_signal(self, signum: int) -> None:
        if self._has_process and self.kernel is not None and self.thread is not None:
            await self.thread.call(self.kernel.signal(signum))

    async def kill(self, restart: bool = False) -> None:
        if self._has_process and self.kernel is not None and self.thread is not None:
            await self.thread.call(self.kernel.kill())

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(15)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        # Not super().pre_launch: that hands the host's environment to the kernel. Nor the
        # manager's format_kernel_cmd: that names the host's python.
        extra = kwargs.pop("extra_arguments", None) or []
        kwargs.pop("env", None)
        self._folder = self._workspace(kwargs.get("cwd"))
        return {**kwargs, "cmd": [*self.kernel_spec.argv, *extra]}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        if self.thread is None:
            self.thread = LoopThread(f"codeexec-docker {self.kernel_id}")
        command = KernelCommand(tuple(cmd), dict(self.kernel_spec.env))
        try:
            if self.kernel is None:
                self.kernel = await self.thread.call(self._make(command))
            self.kernel.command = command
            await self.thread.call(self.kernel.launch())
        except BaseException:
            await self.cleanup()
            raise
        self._has_process = True
        self.end = None
        # The manager compares keys as bytes, whatever its type says.
        connection = {**self.kernel.connection, "key": self.kernel.key.encode()}
        info = cast("KernelConnectionInfo", connection)
        self.connection_info = info
        return info

    async def cleanup(self, restart: bool = False) -> None:
        if restart:
            return  # the container stays for the next launch
        kernel, self.kernel = self.kernel, None
        thread, self.thread = self.thread, None
        self._has_process = False
        if thread is not None:
            try:
                if kernel is not None:
                    self.end = self.end or kernel.end
                    await thread.call(kernel.close())
            finally:
                await asyncio.to_thread(thread.stop)

    async def get_provisioner_info(self) -> dict[str, Any]:
        info: dict[str, Any] = await super().get_provisioner_info()
        environment = self.kernel.environment if self.kernel else None
        return {**info, "container": environment.id if environment else None}

    def resolve_path(self, path: str) -> str | None:
        """The workspace has the same path on both sides; what is outside of it has none here."""
        if self._folder is None or path.startswith("~"):
            return None
        resolved = (self._folder / path).resolve()
        return str(resolved) if resolved.is_relative_to(self._folder) else None

    # ---- parts ---------------------------------------------------------------------------------

    def _running(self) -> tuple[ContainerKernel, LoopThread]:
        if self.kernel is None or self.thread is None:
            raise EnvironmentUnavailable("The container is not started.", "Start the kernel.")
        return self.kernel, self.thread

    def _workspace(self, cwd: str | None) -> Path | None:
        if self.workspace == "none":
            return None
        if self.workspace:
            return mountable(Path(self.workspace).expanduser())
        return mountable(Path(cwd or "."))

    async def _make(self, command: KernelCommand) -> ContainerKernel:
        plan = ContainerPlan(
            image=self.image,
            policy=self.policy,
            workspace=self._folder,
            engine=Engine(self.engine, self.context),
            session=self.session or self.kernel_id or "",
        )
        classic = ClassicLayout() if checked_transport(self.transport) == "ports" else None
        key = self.parent.session.key.decode() if self.parent is not None else ""
        return ContainerKernel(plan, command, key=key, classic=classic, tell=self._tell)

    def _tell(self, title: str, message: str) -> None:
        self.told.append(message)
        self.log.warning("%s: %s", title, message)
