"""What code in a container may do: policies, the user it runs as, limits that are not enforced.

Three presets: `locked` has no network and nothing to write to but the workspace and memory;
`network` adds the network and room for packages; `open` is a container as engines make it by
default. None of them runs as root of the host, and none sees the host's environment.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from codeexec.domain.errors import EnvironmentUnavailable, UsageError
from codeexec.environments.system_folders import mountable as mountable

MEGABYTE = 1 << 20
GIGABYTE = 1 << 30
HOME = "/tmp/home"
TEMPORARY = PurePosixPath("/tmp")
APPLICATION = TEMPORARY / "codeexec-app"
"""Where runner scripts are put."""


class Policy(Struct, frozen=True):
    """Bytes for sizes, 0 for no limit. Each field is a setting of the same name."""

    name: str = "locked"
    """What it is called in the status line; `locked, changed` when a setting differs."""
    network: str = "none"
    """`none`, `bridge`, or the name of a network of the engine; never `host`."""
    capabilities: tuple[str, ...] = ()
    """Linux capabilities to keep, `default` for the engine's own set."""
    new_privileges: bool = False
    """Whether set-id programs (sudo) work."""
    read_only: bool = True
    """Whether the image's files cannot be changed."""
    pids: int = 128
    memory: int = GIGABYTE
    cpus: float = 1.0
    temporary: int = 256 * MEGABYTE
    """Size of /tmp, which also holds HOME; it counts as memory."""
    shared_memory: int = 64 * MEGABYTE
    open_files: int = 1024
    workspace_growth: int = GIGABYTE
    """By how much the workspace may grow before the cell is interrupted."""
    workspace_files: int = 100_000
    """By how many files and folders the workspace may grow before the cell is interrupted."""
    workspace_read_only: bool = False
    pull: bool = False
    """Whether an image that is not here may be fetched from its registry."""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Variables for the code; the host's own never get in."""

    def but(self, **changes: object) -> Policy:
        """This policy with some settings changed; UsageError for one that is not there or wrong."""
        names = {*self.__struct_fields__} - {"name"}
        for name in changes:
            if name not in names:
                raise UsageError(
                    f"There is no container setting {name!r}.",
                    f"Known: {', '.join(sorted(names))}.",
                )
        if "capabilities" in changes:
            changes["capabilities"] = tuple(_texts(changes["capabilities"], "capabilities"))
        if "environment" in changes:
            variables = changes["environment"]
            if not isinstance(variables, Mapping):
                raise UsageError("The setting 'environment' is a table of names and values.")
            changes["environment"] = MappingProxyType(
                {str(k): str(v) for k, v in variables.items()}
            )
        for name, value in changes.items():
            old = getattr(self, name)
            number = isinstance(old, float) and isinstance(value, int | float)
            if name != "environment" and not number and type(value) is not type(old):
                raise UsageError(
                    f"The container setting {name!r} cannot be {value!r}.",
                    f"It is like {old!r}.",
                )
            if isinstance(value, int | float) and value < 0:
                raise UsageError(f"The container setting {name!r} cannot be negative.")
        changed = replace(self, **changes)
        if changed.network == "host":
            raise UsageError(
                "The host's own network is not offered to a container.", "Use 'bridge'."
            )
        if replace(changed, pull=self.pull) == self:
            return changed  # where the image comes from confines nothing
        name = self.name if self.name.endswith(", changed") else f"{self.name}, changed"
        return replace(changed, name=name)

    def reach(self) -> str:
        """What the network of the container leads to, in one sentence."""
        if self.network == "none":
            return (
                "No network; with `network` or `open`, services of this machine would be reachable "
                "over the engine's bridge."
            )
        return (
            "Services of this machine are reachable over the engine's bridge, also those that "
            "other machines cannot reach, and all that this machine reaches."
        )

    def words(self) -> str:
        """The policy as the status line says it: `locked · no network · 1 GB · 1 cpu`."""
        network = {"none": "no network", "bridge": "network"}.get(self.network, self.network)
        memory = f"{size(self.memory)}" if self.memory else "all memory"
        cpus = f"{self.cpus:g} cpu{'s' if self.cpus > 1 else ''}" if self.cpus else "all cpus"
        return " · ".join((self.name, network, memory, cpus))


PRESETS: Mapping[str, Policy] = MappingProxyType(
    {
        "locked": Policy(),
        "network": Policy(
            name="network",
            network="bridge",
            pids=256,
            memory=2 * GIGABYTE,
            temporary=GIGABYTE,
            environment=MappingProxyType({"PIP_USER": "1", "PIP_BREAK_SYSTEM_PACKAGES": "1"}),
        ),
        "open": Policy(
            name="open",
            network="bridge",
            capabilities=("default",),
            new_privileges=True,
            read_only=False,
            pids=4096,
            memory=0,
            cpus=0.0,
            temporary=0,
            shared_memory=GIGABYTE,
            open_files=0,
            workspace_growth=0,
            workspace_files=0,
            environment=MappingProxyType({"PIP_USER": "1", "PIP_BREAK_SYSTEM_PACKAGES": "1"}),
        ),
    }
)


def preset(name: str) -> Policy:
    if name not in PRESETS:
        raise UsageError(f"There is no container preset {name!r}.", f"Use {', '.join(PRESETS)}.")
    return PRESETS[name]


def parse(text: str) -> Policy:
    """A policy in one line: a preset and what differs, `locked memory=2GB pids=256`.

    Sizes may have a unit (kB, MB, GB), lists have commas (`environment=A=1,B=2`). UsageError for
    what is not understood.
    """
    name, *changes = text.split() or ["locked"]
    base = preset(name)
    settings: dict[str, object] = {}
    for change in changes:
        key, sign, value = change.partition("=")
        if not sign:
            raise UsageError(
                f"The container setting {change!r} has no value.", "Write it as memory=2GB."
            )
        settings[key] = _read(value, getattr(base, key, None), key)
    return base.but(**settings)


def _read(text: str, like: object, name: str) -> object:
    """The text as a value of the kind of `like`."""
    try:
        match like:
            case bool():
                return _yes_or_no(text)
            case int():
                return parse_size(text)
            case float():
                return float(text)
            case tuple():
                return [word for word in text.split(",") if word]
            case Mapping():
                return dict(_pair(word) for word in text.split(",") if word)
    except ValueError:
        raise UsageError(
            f"The container setting {name!r} cannot be {text!r}.", f"It is like {like!r}."
        ) from None
    return text


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise ValueError(text)
    return name, value


def _yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        raise ValueError(text)
    return word in ("true", "yes", "on", "1")


_UNITS = {"k": 1 << 10, "m": MEGABYTE, "g": GIGABYTE}


def parse_size(text: str) -> int:
    """`2GB`, `512m` or a plain number; ValueError for anything else."""
    plain = text.strip().lower().removesuffix("b").removesuffix("i")
    unit = _UNITS.get(plain[-1:], 1)
    return int(float(plain[:-1] if unit > 1 else plain) * unit)


class EngineInfo(Struct, frozen=True):
    """What `info` of an engine tells and we decide by."""

    version: str = ""
    podman: bool = False
    rootless: bool = False
    local: bool = True
    """Whether its file system is this machine's, so that folders can be mounted."""
    shares_kernel: bool = True
    """Whether it runs on this machine's own kernel, so that inodes are the same in containers."""
    private: tuple[str, ...] = ()
    """The folder that it keeps its data in, and its socket."""
    cpus: int = 1
    memory: int = 0
    limits_memory: bool = True
    limits_pids: bool = True
    limits_cpus: bool = True
    nproc: int = 0
    """The hard limit of processes of one user that containers must not be given more than."""


class ContainerUser(Struct, frozen=True):
    """The user that code runs as, and what the person should know about it."""

    user: str
    notices: tuple[str, ...] = ()


NOBODY = 65534


def identity(engine_info: EngineInfo, workspace: Path | None) -> ContainerUser:
    """The owner of the workspace; inside a rootless engine that is the container's root.

    Root of the host never runs code in a rootful engine: a set-id file that it leaves in the
    workspace would give root to every user that runs it.
    """
    if engine_info.rootless:
        return ContainerUser("0:0")
    if workspace is None:
        return ContainerUser(f"{NOBODY}:{NOBODY}")
    owner = workspace.stat()
    if owner.st_uid != 0:
        return ContainerUser(f"{owner.st_uid}:{owner.st_gid}")
    give = f"Give it to a user: chown -R 1000:1000 {shlex.quote(str(workspace))}"
    if owner.st_mode & 0o005 != 0o005:
        raise EnvironmentUnavailable(
            f"The workspace {workspace} belongs to root and is closed to others, and code in a "
            "container never runs as root.",
            give,
        )
    notice = f"The workspace belongs to root: code runs as nobody and cannot write to it. {give}"
    return ContainerUser(f"{NOBODY}:{NOBODY}", (notice,))


def unenforced(policy: Policy, engine_info: EngineInfo) -> tuple[str, ...]:
    """The limits that this engine ignores, each as a sentence for the person."""
    checks = (
        (policy.memory, engine_info.limits_memory, "memory"),
        (policy.pids, engine_info.limits_pids, "processes"),
        (policy.cpus, engine_info.limits_cpus, "cpu time"),
    )
    why = "it is rootless on cgroup v1" if engine_info.rootless else "its host lacks the cgroup"
    return tuple(
        f"This engine does not enforce the limit of {resource_name}: {why}."
        for limit, enforced, resource_name in checks
        if limit and not enforced
    )


def size(count: int) -> str:
    """Bytes as people write them: 1 GB, 256 MB."""
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB"), (1 << 10, "kB")):
        if count >= unit:
            return f"{count / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{count} B"


def _texts(value: object, name: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"The container setting {name!r} is a list of names.")
    return list(value)
