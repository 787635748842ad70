"""The life of a kernel in a container of ours: without jupyter_client, and without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from codeexec.domain.errors import CodeexecError, KernelUnavailable
from codeexec.domain.events import Death
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.kernels.base import Handle, KernelUsage
from codeexec.kernels.jupyter.docker import ContainerKernel, KernelCommand, Transport


class ContainerLife:
    """A Life. Its container lives through restarts, and ends with us: it cannot be adopted."""

    def __init__(
        self,
        plan: ContainerPlan,
        command: KernelCommand | None = None,
        *,
        transport: Transport = "mux",
        tell: Callable[[str], None] | None = None,
    ) -> None:
        """`tell` hears sentences for the person, such as a workspace over its quota."""
        self._plan, self._command = plan, command or KernelCommand()
        self._transport, self._tell = transport, tell
        self._kernel: ContainerKernel | None = None
        self._used: int | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def kernel(self) -> ContainerKernel | None:
        """For what only a container has: pause, unpause, notices."""
        return self._kernel

    @property
    def pid(self) -> int | None:
        return None  # its number in the container means nothing here

    @property
    def is_alive(self) -> bool:
        return self._kernel is not None and self._kernel.is_running

    @property
    def can_end(self) -> bool:
        return True

    async def launch(self) -> Mapping[str, object]:
        self._kernel = self._kernel or ContainerKernel(
            self._plan, self._command, transport=self._transport, tell=self._tell
        )
        try:
            await self._kernel.launch()
        except CodeexecError as error:
            await self.kill()
            raise KernelUnavailable(error.message, error.next_step) from error
        except BaseException:
            await self.kill()
            raise
        return dict(self._kernel.connection)

    async def wait(self) -> None:
        if self._kernel is not None:
            await self._kernel.wait()

    async def explain(self) -> Death:
        end = self._kernel.end if self._kernel is not None else None
        return end.death if end is not None else Death("The kernel has ended.")

    def last_words(self) -> str:
        return self._kernel.last_words if self._kernel is not None else ""

    async def interrupt(self) -> bool:
        return await self.signal(2)

    async def signal(self, signum: int) -> bool:
        if self._kernel is None or not self._kernel.is_running:
            return False
        await self._kernel.signal(signum)
        return True

    async def kill(self, *, restart: bool = False) -> None:
        kernel = self._kernel
        if kernel is None:
            return
        if restart:
            await kernel.kill()
        else:
            await kernel.close()
            self._kernel = None
        if self._asking is not None:
            self._asking.cancel()

    def usage(self) -> KernelUsage:
        """The container's memory as it was at the call before; cpu is not known."""
        if self.is_alive and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask_usage())
        return KernelUsage(None, self._used)

    def handle(self) -> Handle:
        return {"life": "container"}

    async def release(self) -> None:
        await self.kill()

    async def _ask_usage(self) -> None:
        try:
            if self._kernel is not None:
                self._used = (await self._kernel.usage()).used
        except CodeexecError:
            self._used = None  # it ended meanwhile
