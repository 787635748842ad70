"""Kernels of interpreters that have no ipykernel: the runner, spoken to through its pipes."""

from __future__ import annotations

from collections.abc import Callable

from codeexec.domain.events import KernelRef
from codeexec.kernels.base import Sink
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.known.traits import KernelTraits
from codeexec.kernels.jupyter.process import Launch, LocalProcess
from codeexec.kernels.runner.transport import RunnerTransport

START_TIMEOUT = 10.0
END_PAUSES = (1.0, 1.0)
"""Seconds for the runner to end by itself, and then after SIGTERM."""
NO_PLUGINS = "Plugins need ipykernel, which the interpreter of this kernel does not have."


def make_runner_kernel(
    ref: KernelRef,
    launch: Launch,
    sink: Sink,
    *,
    start_timeout: float = START_TIMEOUT,
    install_command: str = "",
    is_outdated: Callable[[], bool] = lambda: False,
) -> JupyterKernel:
    """`launch` starts the process, see `start_runner`. It ends with this process: it cannot be
    adopted, and has no outbox and no comms. `install_command` would install ipykernel, and
    `is_outdated` says whether it is there now."""
    notice = f"no ipykernel: {install_command}" if install_command else ""
    return JupyterKernel(
        ref,
        LocalProcess(launch, can_outlive=False),
        sink,
        primed=True,
        start_timeout=start_timeout,
        open_transport=RunnerTransport,
        traits=KernelTraits(
            END_PAUSES, NO_PLUGINS, (notice,) if notice else (), is_outdated, has_comms=False
        ),
    )
