"""Our own image: building it, and checking that engine, image and limits are as they should be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from codeexec.domain.errors import CodeexecError, EnvironmentUnavailable
from codeexec.environments.base import run
from codeexec.environments.docker.engine import Engine, installed, merged
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.docker.failures import explain
from codeexec.environments.docker.orphans import sweep
from codeexec.environments.docker.policy import EngineInfo, Policy, unenforced

DEFAULT_IMAGE = "codeexec-kernel:1"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: how it is, and what to do when that is not well."""

    name: str
    ok: bool
    told: str
    fix: str = ""


def context_folder() -> Path:
    """The folder of the Dockerfile: in the installed package, or in a source checkout."""
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "images" / "kernel", package.parents[1] / "images" / "kernel"):
        if (folder / "Dockerfile").is_file():
            return folder
    raise EnvironmentUnavailable(
        "The image's Dockerfile is not installed.", "Install codeexec-tui again."
    )


async def build(
    engine: Engine, image: str = DEFAULT_IMAGE, *, base: str = "", network: str = ""
) -> AsyncIterator[str]:
    """Build our image; gives the engine's lines as they come.

    `base` replaces the Dockerfile's own (for those without a registry), `network` is where its
    steps run. EnvironmentUnavailable says why it failed.
    """
    options = ["--build-arg", f"BASE={base}"] if base else []
    options += ["--network", network] if network else []
    process = await engine.start("build", "-t", image, *options, str(context_folder()))
    tail: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        # The classic builder speaks on stdout, BuildKit on stderr; neither much on the other.
        async for line in merged(process.stdout, process.stderr):
            tail = [*tail[-40:], line]
            yield line
        code = await process.wait()
        if code != 0:
            failure = explain(engine.name, code, "\n".join(tail), base or image)
            raise await _with_base(engine, base, failure) if base else failure
    finally:
        if process.returncode is None:
            await process.end()


async def _with_base(
    engine: Engine, base: str, failure: EnvironmentUnavailable
) -> EnvironmentUnavailable:
    """The failure of a build, with the name of the base and those that it could have, where the
    base is not on the engine."""
    try:
        images = await engine.images()
    except CodeexecError:
        return failure
    if base in images or f"{base}:latest" in images:
        return failure
    near = get_close_matches(base, images, 1, 0.5)
    advice = f"Did you mean {near[0]}?" if near else f"Check the name: --base {base}"
    available = ", ".join(images[:_MOST_NAMES]) or "none"
    return EnvironmentUnavailable(
        f"The base image {base} is not on this engine, and could not be fetched. {failure.message}",
        f"{advice} On this engine: {available}.",
    )


_MOST_NAMES = 8
"""Images that an error names."""

IMAGE_DEADLINE = 60.0
"""Seconds in which the image's python3 must answer."""


async def check(
    engine: Engine, image: str = DEFAULT_IMAGE, policy: Policy | None = None
) -> list[Check]:
    """Look at engine, permission, limits, image and a real start, in this order, and sweep up.

    What depends on something that is not well is not looked at.
    """
    policy = policy or Policy()
    done: list[Check] = []
    try:
        engine_info = await engine.info()
    except CodeexecError as error:
        others = [name for name in installed() if name != engine.name]
        also = f" Or use {others[0]}, which is installed." if others else ""
        return [Check("engine", False, error.message, error.next_step + also)]
    done.append(Check("engine", True, _described(engine, engine_info)))
    ignored = unenforced(policy, engine_info)
    fix = "Use a rootful engine, or cgroup v2 with delegation." if ignored else ""
    description = " ".join(ignored) or f"enforced: {policy.words()}."
    done.append(Check("limits", not ignored, f"{description} {policy.reach()}", fix))
    try:
        removed = await sweep(engine)
    except CodeexecError as error:
        done.append(Check("leftovers", False, error.message, error.next_step))
    else:
        names = ", ".join(removed)
        done.append(Check("leftovers", True, f"removed {names}" if removed else "none"))
    done.append(await _image_starts(engine, engine_info, image, policy))
    return done


async def _image_starts(
    engine: Engine, engine_info: EngineInfo, image: str, policy: Policy
) -> Check:
    started = time.monotonic()
    try:
        container = await DockerEnvironment.create(
            ContainerPlan(image, policy, engine=engine, session="check"), engine_info
        )
    except CodeexecError as error:
        return Check("image", False, error.message, error.next_step)
    took = time.monotonic() - started
    try:
        code = "import ipykernel, sys; print(ipykernel.__version__, sys.version.split()[0])"
        async with asyncio.timeout(IMAGE_DEADLINE):
            outcome = await run(container, ["python3", "-c", code])
    except CodeexecError as error:
        return Check("image", False, error.message, error.next_step)
    except TimeoutError:
        description = f"python3 of {image} did not import ipykernel within {IMAGE_DEADLINE:g} s."
        return Check("image", False, description, "Make ours: codeexec-tui docker build")
    finally:
        await container.terminate()
    if outcome.code != 0:
        return Check(
            "image",
            False,
            f"{image} has no ipykernel.",
            "Add it (pip install ipykernel), or make ours: codeexec-tui docker build",
        )
    versions = outcome.stdout.decode(errors="replace").split()
    if len(versions) != 2:
        return Check(
            "image",
            False,
            f"What python3 of {image} prints makes no sense.",
            "Make ours: codeexec-tui docker build",
        )
    ipykernel, python = versions
    description = f"{image}: ipykernel {ipykernel}, Python {python}, container up in {took:.2f} s"
    return Check("image", True, description)


def _described(engine: Engine, engine_info: EngineInfo) -> str:
    kind = "rootless" if engine_info.rootless else "rootful"
    where = "" if engine_info.local else ", on another machine"
    return f"{engine.name} {engine_info.version}, {kind}{where}, {engine_info.cpus} cpus"
