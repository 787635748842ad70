"""A container in the classic layout: mapped ports, `/app/ces`, `/app/cwd` and variables.

Programs that were written for TaskWeaver's code execution service expect all of it. The kernel is
started by our launcher: the entry point of the classic image wants to be root, which our
policies never allow.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable, UsageError
from codeexec.domain.places.containers import FIRST_PORT, LAST_FIRST_PORT, ClassicLayout
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.mounts import FolderMount
from codeexec.environments.docker.policy import EngineInfo, Policy, identity, mountable
from codeexec.environments.temporary import LockedFolder, sweep
from codeexec.hostfiles.files import delete, make_folder

CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
"""In the order of their ports."""
APP, CES, CWD = "/app", "/app/ces", "/app/cwd"
PORTS_FILE = f"{CES}/ports.json"
BLOCKED_HOSTS = (
    *("host.docker.internal", "gateway.docker.internal"),
    *("host.containers.internal", "host.lima.internal"),
)
"""Names by which engines let containers reach services of this machine."""
READY_DEADLINE = 30.0
"""Seconds in which a kernel of this layout must answer."""
_PREFIX = "codeexec-ces-"
_LONGEST_ID = 100


def require_network(policy: Policy) -> None:
    """UsageError for a policy with which no port can be mapped."""
    if policy.network == "none":
        raise UsageError(
            f"The transport 'ports' needs a network, and the policy {policy.name} has none.",
            "Use the transport relay (docker.transport), or the policy network.",
        )


def checked(layout: ClassicLayout) -> ClassicLayout:
    """UsageError for values that make no sense."""
    if not 1 <= layout.port_start <= LAST_FIRST_PORT:
        raise UsageError(
            f"The first port of a container cannot be {layout.port_start}.",
            f"Use 1 to {LAST_FIRST_PORT}, such as {FIRST_PORT}.",
        )
    if layout.ces and not Path(layout.ces).is_absolute():
        raise UsageError(f"The folder {layout.ces} is not absolute.", "Name it from / on.")
    for identifier in (layout.session_id, layout.env_id):
        if "/" in identifier or not identifier.isprintable() or len(identifier) > _LONGEST_ID:
            raise UsageError(
                f"{identifier[:_LONGEST_ID]!r} is no id of a session or an environment.",
                f"Use at most {_LONGEST_ID} printable characters without a slash.",
            )
    return layout


class ClassicContainer:
    """What one kernel has beside that of any container, through all its restarts."""

    def __init__(self, layout: ClassicLayout, session: str, key: str) -> None:
        """UsageError for a layout that makes no sense. `session` is the id where it has none."""
        self._layout = checked(layout)
        self._session = layout.session_id or session or "kernel"
        self._env_id = layout.env_id or f"env-{self._session}"
        self._key = key
        self._own: LockedFolder | None = None
        self._ces = Path(layout.ces)
        self._kernel = ""
        self._ports: Mapping[int, int] = {}
        self._user = ""

    @property
    def ces(self) -> Path:
        """The folder of this machine that is /app/ces."""
        return self._ces

    @property
    def connection_file(self) -> str:
        """In the container; new for each process of the kernel."""
        return f"{CES}/conn-{self._session}-{self._kernel}.json"

    @property
    def connection(self) -> dict[str, str | int]:
        """For clients on this machine."""
        return self._connection("127.0.0.1", self._ports)

    @property
    def files(self) -> list[tuple[str, str]]:
        """Names and content of the files that are in /app/ces while the kernel runs."""
        inside = self._connection("0.0.0.0", {port: port for port in self._inner.values()})
        mapped = {f"{name}_port": self._ports[port] for name, port in self._inner.items()}
        return [(self.connection_file, json.dumps(inside)), (PORTS_FILE, json.dumps(mapped))]

    @property
    def variables(self) -> dict[str, str]:
        user, _, group = self._user.partition(":")
        return {
            "TASKWEAVER_ENV_ID": self._env_id,
            "TASKWEAVER_SESSION_ID": self._session,
            "TASKWEAVER_SESSION_DIR": APP,
            "TASKWEAVER_LOGGING_FILE_PATH": f"{CES}/kernel_logging.log",
            "TASKWEAVER_KERNEL_MODE": "container",
            "TASKWEAVER_KERNEL_ID": self._kernel,
            "TASKWEAVER_CES_DIR": CES,
            "TASKWEAVER_CWD": CWD,
            "TASKWEAVER_PORT_START": str(self._layout.port_start),
            "TASKWEAVER_UID": user,
            "TASKWEAVER_GID": group,
            "CONNECTION_FILE": self.connection_file,
        }

    async def plan(self, plan: ContainerPlan, engine_info: EngineInfo) -> ContainerPlan:
        """The plan with all of the layout. EnvironmentUnavailable or UsageError where the engine
        or a folder does not do."""
        require_network(plan.policy)
        if not engine_info.local:
            raise EnvironmentUnavailable(
                "The engine is on another machine, where neither ports nor folders of this one "
                "are.",
                "Use the transport relay: docker.transport",
            )
        if plan.workspace is None:
            raise UsageError("The transport 'ports' needs a working folder.", "Name one.")
        user = identity(engine_info, plan.workspace).user
        if os.geteuid() != 0 and not engine_info.rootless:
            user = f"{os.geteuid()}:{os.getegid()}"
        await asyncio.to_thread(self._make_folder, user)
        return replace(
            plan,
            mounts=(FolderMount(self._ces, CES), FolderMount(plan.workspace, CWD)),
            ports=tuple(self._inner.values()),
            blocked_hosts=BLOCKED_HOSTS,
            user=user,
        )

    async def begin(self, environment: DockerEnvironment) -> None:
        """Before each process of the kernel in this container."""
        self._kernel = f"knl-{secrets.token_hex(6)}"
        self._user = environment.user
        self._ports = await environment.mapped_ports()

    async def remove_files(self) -> None:
        """The container has ended: remove the files that its relay could not. Can be repeated."""
        await asyncio.to_thread(self._remove_files)

    async def end(self) -> None:
        """The same, and the folder that was made for this kernel."""
        await asyncio.to_thread(self._end)

    @property
    def _inner(self) -> dict[str, int]:
        return {name: self._layout.port_start + number for number, name in enumerate(CHANNELS)}

    def _connection(self, ip: str, ports: Mapping[int, int]) -> dict[str, str | int]:
        named = {f"{name}_port": ports[port] for name, port in self._inner.items()}
        names = {"transport": "tcp", "ip": ip, "key": self._key, "signature_scheme": "hmac-sha256"}
        return {**names, **named}

    def _make_folder(self, user: str) -> None:
        if not self._layout.ces and self._own is None:
            sweep(_PREFIX)
            self._own = LockedFolder(_PREFIX)
            self._ces = self._own.path / "ces"
        mountable(self._ces)  # before anything is made there
        try:
            place = make_folder(self._ces, exist_ok=True)
            self._ces = place.real
            with place.folder() as folder:
                if os.geteuid() == 0 and os.fstat(folder).st_uid == 0 and user != "0:0":
                    uid, gid = map(int, user.split(":"))
                    os.fchown(folder, uid, gid)
        except OSError as error:
            raise EnvironmentUnavailable(
                f"The folder {self._ces} cannot be made: {error.strerror}.",
                "Name another one, or give yourself the right to it.",
            ) from error

    def _remove_files(self) -> None:
        for name in (self.connection_file, PORTS_FILE) if self._kernel else ():
            with contextlib.suppress(OSError, CodeexecError):
                delete(self._ces / Path(name).name)
        self._kernel = ""

    def _end(self) -> None:
        self._remove_files()
        own, self._own = self._own, None
        if own is not None:
            own.remove()
