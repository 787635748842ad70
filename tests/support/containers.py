"""A real engine for tests that need one, and workspaces that a container's user may write to."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import pytest

from codeexec.domain.places.containers import CLASSIC_IMAGE
from codeexec.environments.docker.orphans import this_process
from codeexec.kernels.docker.containers import ContainerSettings
from codeexec.kernels.factory import Kernels

IMAGE = os.environ.get("CODEEXEC_ENGINE_IMAGE", "codeexec-kernel:1")
ENGINE = os.environ.get("CODEEXEC_ENGINE", "docker")
USER = 1000


@cache
def missing() -> str:
    """Why there is no engine with our image; empty when there is."""
    try:
        found = subprocess.run(
            [ENGINE, "image", "inspect", IMAGE], capture_output=True, timeout=90, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if found.returncode == 0 else found.stderr.decode().strip()


def require_engine() -> None:
    """Skip with one line that says how to get an engine; in CI, where it must be there, fail."""
    why = missing()
    if why and os.environ.get("CODEEXEC_NEEDS_ENGINE"):
        pytest.fail(f"no container engine with {IMAGE}: {why}")
    if why:
        pytest.skip(f"no container engine with {IMAGE}; get one: sudo .ci/engine start")


@cache
def classic_image() -> str:
    """The image that TaskWeaver's programs name; made from ours where it is not there."""
    require_engine()
    inspect = [ENGINE, "image", "inspect", "--format", "{{.Id}}", CLASSIC_IMAGE]
    if subprocess.run(inspect, capture_output=True, check=False).returncode != 0:
        context = Path(__file__).parent / "classic_image"
        build = [ENGINE, "build", "-q", "-t", CLASSIC_IMAGE, "--build-arg", f"BASE={IMAGE}"]
        # The builder may have no network, and needs none.
        subprocess.run([*build, "--network", "none", str(context)], capture_output=True, check=True)
    return CLASSIC_IMAGE


def workspace_in(folder: Path) -> Path:
    """A folder that code in a container can write to, also when the tests run as root."""
    workspace = folder / "workspace"
    workspace.mkdir()
    return give_away(workspace)


def give_away(folder: Path) -> Path:
    """Owned by somebody who is not root: code in a container never runs as that."""
    if os.geteuid() == 0:
        os.chown(folder, USER, USER)
    return folder


def container_kernels(policy: str = "locked", *, spare: bool = False) -> Kernels:
    """The factory of a host whose settings name the engine and image of the tests."""
    said = ContainerSettings(ENGINE, image=IMAGE, policy=policy, spare=spare)
    return Kernels(containers=lambda: said)


def containers(label: str) -> list[str]:
    """Names of the containers whose session label is this, in whatever state."""
    return _names(label)


def own_containers(label: str) -> list[str]:
    """The same, of those that this process started: another run of the tests has its own."""
    return _names(
        label, *(f"label={key}={value}" for key, value in this_process().labels().items())
    )


async def until(state: Callable[[], Awaitable[bool]], seconds: float = 90.0) -> float:
    """Wait for a state, with a deadline; gives how long it took."""
    started = time.monotonic()
    while not await state():
        if time.monotonic() - started > seconds:
            pytest.fail(f"not reached within {seconds:g} s")
        await asyncio.sleep(0.02)
    return time.monotonic() - started


def _names(label: str, *filters: str) -> list[str]:
    """A container that has ended and is being removed by the engine is none of them."""
    listing = [ENGINE, "ps", "--all", "--format", "{{.Names}} {{.Status}}"]
    for wanted in (f"label=org.codeexec.session={label}", *filters):
        listing += ["--filter", wanted]
    printed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    lines = [line.partition(" ") for line in printed.splitlines()]
    return [name for name, _, status in lines if not status.startswith("Remov")]
