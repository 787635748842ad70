"""Kernelspecs that name our provisioner: objects for ourselves, files for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.kernelspec import KernelSpec
from jupyter_core.paths import jupyter_data_dir

from codeexec.domain.errors import StorageError
from codeexec.domain.places.containers import Transport
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.image import DEFAULT_IMAGE
from codeexec.environments.docker.policy import PRESETS, Policy
from codeexec.kernels.docker.process import PYTHON_KERNEL

if TYPE_CHECKING:
    from collections.abc import Sequence

PROVISIONER = "codeexec-docker"
"""The name of the entry point."""


def docker_kernel_spec(
    policy: Policy,
    workspace: Path | None,
    image: str = DEFAULT_IMAGE,
    *,
    engine: Engine | None = None,
    transport: Transport = "relay",
    session: str = "",
    argv: Sequence[str] = PYTHON_KERNEL,
    env: Mapping[str, str] | None = None,
) -> KernelSpec:
    """A kernelspec for a manager: `manager._kernel_spec = docker_kernel_spec(...)`.

    Without a workspace the container has an empty one of its own.
    """
    engine = engine or Engine()
    config = {
        "image": image,
        **_policy_config(policy),
        "workspace": str(workspace) if workspace else "none",
        "transport": transport,
        "engine": engine.program,
        "context": engine.context,
        "session": session,
    }
    return KernelSpec(**_content(f"Python 3 ({image}, {policy.name})", config, argv, env or {}))


def install_docker_kernelspec(
    name: str = PROVISIONER,
    *,
    image: str = DEFAULT_IMAGE,
    policy: Policy | None = None,
    engine: Engine | None = None,
    display_name: str = "",
    prefix: Path | None = None,
) -> Path:
    """Write a kernelspec that any Jupyter program of this Python environment can use.

    It mounts the folder in which a kernel is started. `prefix` is an environment's root (then
    `share/jupyter` in it); without it the user's own data folder is used. Gives the new
    `kernel.json`; StorageError when it cannot be written.
    """
    policy, engine = policy or Policy(), engine or Engine()
    config = {
        "image": image,
        **_policy_config(policy),
        "engine": engine.program,
        "context": engine.context,
    }
    title = display_name or f"Python 3 (container, {policy.name})"
    content = _content(title, config, PYTHON_KERNEL, {})
    data = prefix / "share" / "jupyter" if prefix else Path(jupyter_data_dir())
    path = data / "kernels" / name.lower() / "kernel.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise StorageError(
            f"The kernelspec {path} cannot be written: {error.strerror}.",
            "Name another prefix, or give yourself the right to that folder.",
        ) from error
    return path


def _content(
    display_name: str, config: Mapping[str, object], argv: Sequence[str], env: Mapping[str, str]
) -> dict[str, object]:
    return {
        "argv": list(argv),
        "display_name": display_name,
        "language": "python",
        "interrupt_mode": "signal",
        "env": dict(env),
        "metadata": {
            "debugger": True,
            "kernel_provisioner": {"provisioner_name": PROVISIONER, "config": dict(config)},
        },
    }


def _policy_config(policy: Policy) -> dict[str, object]:
    """The policy as its preset's name and what differs, all of it JSON."""
    name = policy.name.removesuffix(", changed")
    base = PRESETS.get(name, PRESETS["locked"])
    settings: dict[str, object] = {}
    for field in Policy.__struct_fields__:
        value = getattr(policy, field)
        if field != "name" and value != getattr(base, field):
            if isinstance(value, Mapping):
                value = dict(value)
            settings[field] = list(value) if isinstance(value, tuple) else value
    return {"preset": base.name, "settings": settings}
