"""The life of a kernel that a provisioner of jupyter_client starts, in a container for one."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.errors import CodeexecError, KernelUnavailable
from codeexec.domain.events import Death
from codeexec.environments.marks import MARK, end_marked
from codeexec.environments.short_folders import make_folder
from codeexec.kernels.base import Handle, KernelUsage
from codeexec.kernels.jupyter import exit_reason as death
from codeexec.kernels.jupyter.launch import CONNECTION_FILE, kernel_env, remove_folder

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

log = logging.getLogger(__name__)

POLL = 0.1  # seconds between looks: a provisioner can only be asked


class ManagedLife:
    """A Life behind an AsyncKernelManager. It has no pid of this machine, and cannot be adopted
    by another server: a provisioner lives and dies with its program."""

    def __init__(self, spec: KernelSpec | str, cwd: str, env: Mapping[str, str]) -> None:
        """`spec` is the name of an installed kernelspec, or one that is written nowhere."""
        self._spec = spec
        self._cwd = cwd
        self._env = dict(env)
        self._manager: AsyncKernelManager | None = None
        self._folder = ""
        self._gone = asyncio.Event()
        self._gone.set()
        self._status: int | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        provisioner = self._manager.provisioner if self._manager else None
        pid = getattr(provisioner, "pid", None)
        return pid if isinstance(pid, int) else None

    @property
    def is_alive(self) -> bool:
        return not self._gone.is_set()

    @property
    def can_end(self) -> bool:
        return True

    @property
    def is_on_host(self) -> bool:
        return False  # a provisioner may run it anywhere

    async def launch(self) -> Mapping[str, object]:
        manager = self._manager = self._manager or self._make_manager()
        try:
            env = kernel_env(self._env) | {MARK: self._folder}
            await manager.start_kernel(cwd=self._cwd, env=env)
        except CodeexecError:
            raise
        except Exception as error:
            # A provisioner is foreign code that may raise whatever it likes.
            raise KernelUnavailable(
                f"The kernel could not be started: {error}",
                "Look at the provisioner that its kernelspec names.",
            ) from error
        self._gone.clear()
        self._looking = asyncio.create_task(self._look(manager), name="watch-provisioner")
        return dict(manager.get_connection_info())

    async def wait(self) -> None:
        await self._gone.wait()

    async def explain(self) -> Death:
        # Our own provisioners say more than an exit code.
        provisioner = self._manager.provisioner if self._manager else None
        reason = getattr(getattr(provisioner, "end", None), "death", None)
        return reason if isinstance(reason, Death) else death.explain(self._status)

    def last_words(self) -> str:
        return ""

    async def interrupt(self) -> bool:
        manager = self._manager
        if manager is None or manager.kernel_spec is None:
            return False
        by_signal = manager.kernel_spec.interrupt_mode == "signal"
        return by_signal and await self.signal(signal.SIGINT)

    async def signal(self, signum: int) -> bool:
        if self._manager is None or self._gone.is_set() or not self._manager.has_kernel:
            return False
        await self._manager.signal_kernel(signum)
        return True

    async def kill(self, *, restart: bool = False) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            self._looking = None
        self._gone.set()
        if self._manager is None:
            return
        await self._manager.shutdown_kernel(now=True, restart=restart)
        await asyncio.to_thread(end_marked, MARK, self._folder)
        if not restart:
            self._manager = None
            remove_folder(self._folder)

    def usage(self) -> KernelUsage:
        return KernelUsage(None, None)

    def handle(self) -> Handle:
        return {"life": "managed"}

    async def release(self) -> None:
        """It cannot live on without us."""
        await self.kill()

    def _make_manager(self) -> AsyncKernelManager:
        from jupyter_client.manager import AsyncKernelManager

        self._folder = make_folder()
        manager = AsyncKernelManager(
            connection_file=str(Path(self._folder) / CONNECTION_FILE),
            transport="ipc",
            ip=str(Path(self._folder) / "k"),
            log=log,
        )
        if isinstance(self._spec, str):
            manager.kernel_name = self._spec
        else:
            manager._kernel_spec = self._spec
        return manager

    async def _look(self, manager: AsyncKernelManager) -> None:
        provisioner = manager.provisioner
        while provisioner is not None and await provisioner.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(POLL)
        self._status = await provisioner.poll() if provisioner is not None else None
        self._gone.set()
