"""Process lifecycle of a kernel in a container, without jupyter_client and without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from signal import SIGINT, SIGKILL

from codeexec.domain.errors import CodeexecError, KernelUnavailable
from codeexec.domain.events import Death
from codeexec.domain.places.containers import ClassicLayout
from codeexec.environments.base import Tell
from codeexec.environments.docker.environment import ContainerPlan
from codeexec.kernels.base import Handle, KernelUsage
from codeexec.kernels.docker.process import ContainerKernel, KernelCommand


class ContainerLife:
    """A Life. Its container lives through restarts, and ends with us: it cannot be adopted."""

    def __init__(
        self,
        plan: ContainerPlan,
        command: KernelCommand | None = None,
        *,
        classic: ClassicLayout | None = None,
        tell: Tell | None = None,
        make: Callable[[], Awaitable[ContainerKernel]] | None = None,
    ) -> None:
        """`tell` is called with notices for the user, such as a workspace over its quota. `make`
        returns a kernel that is not launched yet, from a known engine or from the warm pool."""
        self._plan, self._command = plan, command or KernelCommand()
        self._classic, self._tell = classic, tell or (lambda title, message: None)
        self._make = make or self._make_plainly
        self._kernel: ContainerKernel | None = None
        self._told: tuple[str, ...] = ()
        self._usage = KernelUsage(None, None)
        self._busy: tuple[float, float] | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def kernel(self) -> ContainerKernel | None:
        return self._kernel

    @property
    def notices(self) -> tuple[str, ...]:
        return self._kernel.notices if self._kernel is not None else ()

    async def pause(self) -> None:
        if self._kernel is not None:
            await self._kernel.pause()

    async def unpause(self) -> None:
        if self._kernel is not None:
            await self._kernel.unpause()

    @property
    def pid(self) -> int | None:
        return None  # its number in the container means nothing here

    @property
    def is_alive(self) -> bool:
        return self._kernel is not None and self._kernel.is_running

    @property
    def can_end(self) -> bool:
        return True

    @property
    def is_on_host(self) -> bool:
        return False

    async def launch(self) -> Mapping[str, object]:
        try:
            if self._kernel is None:
                self._kernel = await self._make()
                self._kernel.command, self._kernel.tell = self._command, self._tell
            await self._kernel.launch()
            await self._ask_usage()
        except CodeexecError as error:
            await self.kill()
            raise KernelUnavailable(error.message, error.next_step) from error
        except BaseException:
            await self.kill()
            raise
        self._tell_notices(self._kernel.notices)
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
        return await self.signal(SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._kernel is None or not self._kernel.is_running:
            return False
        if signum == SIGKILL:
            # Code may have stopped the relay that passes signals on: then the container goes.
            await self._kernel.kill()
        else:
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
        """The container's as it was at the call before: asking takes a way there and back."""
        if self.is_alive and (self._asking is None or self._asking.done()):
            self._asking = asyncio.create_task(self._ask_usage())
        return self._usage if self.is_alive else KernelUsage(None, None)

    def handle(self) -> Handle:
        is_changeable = not self._plan.policy.workspace_read_only
        workspace = str(self._plan.workspace or "") if is_changeable else ""
        return {"life": "container", "workspace": workspace}

    async def release(self) -> None:
        await self.kill()

    async def _ask_usage(self) -> None:
        if self._kernel is None:
            return
        try:
            usage = await self._kernel.usage()
        except CodeexecError:
            return  # it ended meanwhile
        now, last = asyncio.get_running_loop().time(), self._busy
        cpu = None
        # The count begins anew in a new container.
        if last is not None and usage.cpu >= last[1] > 0 and now > last[0]:
            cpu = (usage.cpu - last[1]) / (now - last[0])
        self._busy = now, usage.cpu
        self._usage = KernelUsage(cpu, usage.used or None)

    async def _make_plainly(self) -> ContainerKernel:
        return ContainerKernel(self._plan, classic=self._classic)

    def _tell_notices(self, notices: tuple[str, ...]) -> None:
        """Once, not after each restart."""
        for notice in notices:
            if notice not in self._told:
                self._tell("About this container", notice)
        self._told = notices
