"""Containers as kernels that one may ask for: which images there are, and what is in the way."""

from __future__ import annotations

import asyncio

from codeexec.domain.errors import CodeexecError
from codeexec.domain.places.backends import CONTAINERS
from codeexec.domain.places.containers import PORTS, checked_transport
from codeexec.domain.requests import KernelInfo
from codeexec.environments.docker.engine import Engine, find_engine, installed
from codeexec.environments.docker.image import DEFAULT_IMAGE
from codeexec.environments.docker.policy import Policy, parse
from codeexec.kernels.docker.classic import require_network
from codeexec.kernels.docker.containers import ContainerSettings

DEADLINE = 3.0
"""Seconds that an engine is given to answer: local kernels are not kept waiting for it."""

LABEL = "org.codeexec.image=kernel"


async def offers(settings: ContainerSettings) -> list[KernelInfo]:
    """The image that settings name, well or not, then others that are known to hold a kernel:
    made by `docker build`, or Jupyter's own. Any other can be asked for as `docker:IMAGE`."""
    image = settings.image or DEFAULT_IMAGE
    engine = find_engine(settings.engine, settings.context)
    try:
        policy = parse(settings.policy)
        if checked_transport(settings.transport) == PORTS:
            require_network(policy)
    except CodeexecError as error:
        return [_info(image, engine, Policy(), f"{error.message} {error.next_step}")]
    if not installed():
        return [
            _info(
                image,
                engine,
                policy,
                "No container engine is installed: neither docker nor podman is on PATH.",
                "codeexec-tui docker check",
            )
        ]
    try:
        images, ours = await asyncio.gather(
            engine.images(deadline=DEADLINE), engine.images(LABEL, deadline=DEADLINE)
        )
    except CodeexecError as error:
        problem = f"{error.message} {error.next_step}"
        return [_info(image, engine, policy, problem, "codeexec-tui docker check")]
    others = [name for name in images if name in ours or "jupyter" in name]
    infos = [_info(name, engine, policy) for name in others if name != image]
    if image in images or policy.pull:
        return [_info(image, engine, policy), *infos]
    make = "codeexec-tui docker build"
    fix = make if image == DEFAULT_IMAGE else f"{engine.name} pull {image}"
    missing = f"The image {image} is not on this engine."
    return [_info(image, engine, policy, missing, fix), *infos]


def _info(
    image: str, engine: Engine, policy: Policy, problem: str = "", fix: str = ""
) -> KernelInfo:
    return KernelInfo(
        f"{CONTAINERS}:{image}",
        f"Python 3 in {image}",
        "python",
        image,
        f"{engine.name} · {policy.name}",
        problem=problem,
        fix=fix,
        policy=policy.words(),
    )
