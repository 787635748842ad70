"""A kernel in a container of a real engine, driven by jupyter_client as any program would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from jupyter_client.manager import AsyncKernelManager

from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.policy import Policy
from codeexec.kernels.docker.kernelspec import docker_kernel_spec
from codeexec.kernels.docker.provisioner import DockerProvisioner
from support.containers import ENGINE, IMAGE, containers, until

T = TypeVar("T")


class Cell:
    """What one execution showed."""

    def __init__(self) -> None:
        self.text = ""
        self.error = ""
        self.status = ""
        self.displays: list[dict[str, object]] = []


class Bench:
    """A kernel in a container and one client; `run` is a cell."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.manager = AsyncKernelManager()

    @property
    def provisioner(self) -> DockerProvisioner:
        found = self.manager.provisioner
        assert isinstance(found, DockerProvisioner)
        return found

    @property
    def container(self) -> str:
        kernel = self.provisioner.kernel
        assert kernel is not None
        assert kernel.environment is not None
        return kernel.environment.id

    @property
    def left(self) -> list[str]:
        """Names of the containers of this bench that the engine still has."""
        return containers(self.session)

    async def start(self, policy: Policy, workspace: Path | None, **more: object) -> None:
        spec = docker_kernel_spec(
            policy,
            workspace,
            IMAGE,
            engine=Engine(ENGINE),
            session=self.session,
            **more,  # type: ignore[arg-type]
        )
        self.manager._kernel_spec = spec
        await self.manager.start_kernel()
        await self.connect()

    async def start_local(self, workspace: Path) -> None:
        """The same bench on a kernel of this machine, to compare with."""
        self.manager.transport = "ipc"
        self.manager.connection_file = str(workspace.parent / "local.json")
        await self.manager.start_kernel(cwd=str(workspace))
        await self.connect()

    async def connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=90)

    async def run(self, code: str, seconds: float = 60.0) -> Cell:
        """Run a cell to its idle; TimeoutError when it does not come."""
        cell = Cell()
        wanted = self.client.execute(code, allow_stdin=False)
        async with asyncio.timeout(seconds):
            while True:
                message = await self.client.get_iopub_msg(timeout=seconds)
                if message["parent_header"].get("msg_id") != wanted:
                    continue
                content = message["content"]
                match message["msg_type"]:
                    case "stream":
                        cell.text += content["text"]
                    case "error":
                        cell.error = f"{content['ename']}: {content['evalue']}"
                    case "execute_result" | "display_data":
                        cell.displays.append(content["data"])
                    case "status" if content["execution_state"] == "idle":
                        return cell

    async def on_wire(self, call: Coroutine[object, object, T]) -> T:
        """Await a call of the environment on the loop that it belongs to."""
        thread = self.provisioner.thread
        assert thread is not None
        return await thread.call(call)

    async def dead(self, seconds: float = 30.0) -> None:
        """Wait until the kernel's end is known."""

        async def gone() -> bool:
            return not await self.manager.is_alive()

        await until(gone, seconds)

    async def restart(self) -> None:
        self.client.stop_channels()
        await self.manager.restart_kernel(now=True)
        await self.connect()

    async def close(self) -> None:
        if hasattr(self, "client"):
            self.client.stop_channels()
        if self.manager.provisioner is not None:
            await self.manager.shutdown_kernel(now=True)


StartBench = Callable[..., Awaitable[Bench]]
