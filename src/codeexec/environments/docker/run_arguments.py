"""From a policy to the engine's arguments for one container: pure, no engine is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from codeexec.environments.docker.mounts import FolderMount
from codeexec.environments.docker.own_programs import fixed_above
from codeexec.environments.docker.policy import HOME, MEGABYTE, EngineInfo, Policy

NOWHERE = "0.0.0.0"
"""The address of names that are blocked: in the container it is the container itself."""


def arguments(
    policy: Policy,
    engine_info: EngineInfo,
    *,
    image: str,
    user: str,
    workspace: Path | None,
    folder: str,
    name: str,
    labels: Mapping[str, str],
    executed: Sequence[Path] = (),
    mounts: Sequence[FolderMount] = (),
    ports: Sequence[int] = (),
    blocked_hosts: Sequence[str] = (),
) -> list[str]:
    """What follows the engine's program on the command line, up to and with the image.

    `workspace` is mounted at its own path; None gives an empty `folder` in memory. `mounts` are
    further folders, or the workspace at a second path. `executed` are folders of all of these that
    this machine executes programs from: they are read-only. `ports` of the container are mapped to
    free ports of the loopback, which the engine chooses. The names `blocked_hosts` lead nowhere.
    Limits above what the host has are cut to it, as an engine refuses them.
    """
    out = ["run", "--interactive", "--rm", "--sig-proxy=false", "--name", name]
    out += [part for pair in sorted(labels.items()) for part in ("--label", "=".join(pair))]
    out += ["--pull", "missing" if policy.pull else "never"]
    out += ["--network", policy.network, "--hostname", "kernel"]
    out += ["--user", user, "--workdir", folder, "--entrypoint", "python3"]
    if policy.capabilities != ("default",):
        out += ["--cap-drop", "ALL"]
        out += [part for capability in policy.capabilities for part in ("--cap-add", capability)]
    if not policy.new_privileges:
        out += ["--security-opt", "no-new-privileges"]
    if policy.read_only:
        # Podman would put writable folders over /run and /var/tmp.
        out += ["--read-only", *(["--read-only-tmpfs=false"] if engine_info.podman else [])]
    room = f",size={policy.temporary}" if policy.temporary else ""
    out += ["--tmpfs", f"/tmp:rw,exec,nosuid,nodev,mode=1777{room}"]
    out += ["--shm-size", str(policy.shared_memory or 64 * MEGABYTE)]
    if policy.pids and engine_info.limits_pids:
        out += ["--pids-limit", str(policy.pids)]
    if policy.memory and engine_info.limits_memory:
        limit = min(policy.memory, engine_info.memory or policy.memory)
        # The same number for memory and swap means: no swap.
        out += ["--memory", str(limit), "--memory-swap", str(limit)]
    if policy.cpus and engine_info.limits_cpus:
        out += ["--cpus", f"{min(policy.cpus, float(engine_info.cpus)):g}"]
    out += ["--ulimit", "core=0"]
    if engine_info.nproc:
        out += ["--ulimit", f"nproc={engine_info.nproc}:{engine_info.nproc}"]
    if policy.open_files:
        out += ["--ulimit", f"nofile={policy.open_files}"]
    out += ["--log-driver", "none"]  # what code prints must not fill the engine's disk
    if workspace is not None:
        out += _mounted(workspace, str(workspace), executed, read_only=policy.workspace_read_only)
    elif folder != "/tmp":
        out += ["--tmpfs", f"{folder}:rw,exec,nosuid,nodev,mode=1777{room}"]
    for mount in mounts:
        is_alias = mount.source == workspace
        read_only = policy.workspace_read_only and is_alias
        out += _mounted(mount.source, mount.target, executed, read_only=read_only)
    for port in ports:
        out += ["--publish", f"127.0.0.1::{port}/tcp"]
    for host in blocked_hosts:
        out += ["--add-host", f"{host}:{NOWHERE}"]
    for key, value in sorted({**_defaults(), **policy.environment}.items()):
        out += ["--env", f"{key}={value}"]
    return [*out, image]


def _defaults() -> dict[str, str]:
    # A user id without an entry in the image's passwd file has no home and no name: without these
    # getpwuid fails, and IPython and matplotlib warn at each start.
    return {
        "HOME": HOME,
        "USER": "codeexec",
        "LOGNAME": "codeexec",
        "IPYTHONDIR": f"{HOME}/.ipython",
        "MPLCONFIGDIR": f"{HOME}/.matplotlib",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _mounted(folder: Path, target: str, executed: Sequence[Path], *, read_only: bool) -> list[str]:
    # Not --volume: that makes a folder, owned by root, where none is.
    if read_only:
        return ["--mount", f"{_bind(folder, target)},readonly"]
    inside = [inner for inner in executed if folder in inner.parents]
    out = ["--mount", _bind(folder, target)]
    for inner in fixed_above(inside, folder):
        out += ["--mount", _bind(inner, _below(target, folder, inner))]
    for inner in inside:
        out += ["--mount", f"{_bind(inner, _below(target, folder, inner))},readonly"]
    return out


def _below(target: str, folder: Path, inner: Path) -> str:
    return str(PurePosixPath(target, inner.relative_to(folder)))


def _bind(folder: Path, target: str) -> str:
    return ",".join(_csv(part) for part in ("type=bind", f"source={folder}", f"target={target}"))


def _csv(part: str) -> str:
    # A folder may have a comma in its name; the engine reads the mount as one line of CSV.
    return '"' + part.replace('"', '""') + '"' if set(part) & set(',"\n') else part
