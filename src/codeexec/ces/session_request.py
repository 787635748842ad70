"""How the engine's sessions of an environment are opened: on this machine, or in containers."""

from __future__ import annotations

import enum
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import CONTAINERS

if TYPE_CHECKING:
    from codeexec.ces.session_folder import SessionFolder
    from codeexec.domain.requests import OpenSession

Transport = Literal["", "ports", "relay"]

FIRST_PORT = 12345
LAST_FIRST_PORT = 65531
_FOR_PLUGINS = "PLUGIN_"
"""Variables that begin so are read by `ctx.get_env`."""


class EnvMode(enum.Enum):
    """Where kernels run: on this machine, or each in a container."""

    Local = "local"
    Container = "container"


@dataclass(frozen=True, slots=True)
class KernelOptions:
    """What kernels an environment has: see `AsyncEnvironment`."""

    mode: EnvMode
    kernel: str = ""
    image: str = ""
    transport: Transport = ""
    policy: str = ""
    port_start: int = FIRST_PORT

    def check(self) -> None:
        """UsageError for what there is not."""
        if not isinstance(self.mode, EnvMode):
            raise UsageError(
                f"There is no environment mode {self.mode!r}.",
                "Use EnvMode.Local or EnvMode.Container.",
            )
        if self.transport not in ("", "ports", "relay"):
            raise UsageError(
                f"There is no transport {self.transport!r}.", "Use 'ports' or 'relay'."
            )
        if not 1 <= self.port_start <= LAST_FIRST_PORT:
            raise UsageError(
                f"Five ports from {self.port_start} on do not exist.",
                f"Choose port_start_inside_container from 1 to {LAST_FIRST_PORT}.",
            )


def session_request(
    options: KernelOptions, env_id: str, session_id: str, folder: SessionFolder
) -> OpenSession:
    """The request, without a lease. Reads the user's settings where there is no transport."""
    from codeexec.domain.requests import OpenSession

    request = OpenSession(cwd=str(folder.cwd), name=session_id, temporary=True)
    if options.mode is EnvMode.Local:
        from codeexec.domain.env_vars.secret import without_secrets
        from codeexec.environments.marks import without_marks

        inherited = without_secrets(without_marks(os.environ))
        variables = _taskweaver_variables(options.mode, env_id, session_id, folder)
        kernel = options.kernel or sys.executable
        return replace(request, kernel=kernel, env=inherited | variables)
    transport = options.transport or _transport_of_settings()
    for_plugins = {k: v for k, v in os.environ.items() if k.startswith(_FOR_PLUGINS)}
    request = replace(request, backend=CONTAINERS, transport=transport)
    if transport == "relay":
        variables = _taskweaver_variables(options.mode, env_id, session_id, folder)
        return replace(
            request, image=options.image, policy=options.policy, env=for_plugins | variables
        )
    from codeexec.domain.places.containers import CLASSIC_IMAGE, ClassicLayout

    return replace(
        request,
        image=options.image or CLASSIC_IMAGE,
        policy=options.policy or "network",
        env=for_plugins,
        classic=ClassicLayout(
            ces=str(folder.ces),
            env_id=env_id,
            session_id=session_id,
            port_start=options.port_start,
        ),
    )


def _transport_of_settings() -> str:
    from codeexec.config.load import load

    return load(Path("/")).settings.docker.transport


def _taskweaver_variables(
    mode: EnvMode, env_id: str, session_id: str, folder: SessionFolder
) -> dict[str, str]:
    """TaskWeaver's variables of a kernel's environment; those of the classic layout are the
    engine's."""
    return {
        "TASKWEAVER_ENV_ID": env_id,
        "TASKWEAVER_SESSION_ID": session_id,
        "TASKWEAVER_SESSION_DIR": str(folder.path),
        "TASKWEAVER_LOGGING_FILE_PATH": str(folder.ces / "kernel_logging.log"),
        "TASKWEAVER_CES_DIR": str(folder.ces),
        "TASKWEAVER_CWD": str(folder.cwd),
        "TASKWEAVER_KERNEL_MODE": mode.value,
    }
