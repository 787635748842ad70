"""Containers as kernels that one may ask for: which images there are, and what is in the way."""

from __future__ import annotations

import asyncio

from codeexec.domain.backends import CONTAINERS
from codeexec.domain.errors import CodeexecError
from codeexec.domain.requests import KernelInfo
from codeexec.environments.docker.engine import Engine, find_engine, installed
from codeexec.environments.docker.image import DEFAULT_IMAGE
from codeexec.environments.docker.policy import Policy, parse
from codeexec.kernels.docker.containers import ContainerSettings

DEADLINE = 3.0
"""Seconds that an engine is given to answer: local kernels are not kept waiting for it."""

LABEL = "org.codeexec.image=kernel"


async def offers(said: ContainerSettings) -> list[KernelInfo]:
    """The image that settings name, well or not, then others that are known to hold a kernel:
    made by `docker build`, or Jupyter's own. Any other can be asked for as `docker:IMAGE`."""
    image = said.image or DEFAULT_IMAGE
    engine = find_engine(said.engine, said.context)
    try:
        policy = parse(said.policy)
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
        here, ours = await asyncio.gather(
            engine.images(deadline=DEADLINE), engine.images(LABEL, deadline=DEADLINE)
        )
    except CodeexecError as error:
        words = f"{error.message} {error.next_step}"
        return [_info(image, engine, policy, words, "codeexec-tui docker check")]
    others = [each for each in here if each in ours or "jupyter" in each]
    found = [_info(each, engine, policy) for each in others if each != image]
    if image in here or policy.pull:
        return [_info(image, engine, policy), *found]
    make = "codeexec-tui docker build"
    fix = make if image == DEFAULT_IMAGE else f"{engine.name} pull {image}"
    missing = f"The image {image} is not on this engine."
    return [_info(image, engine, policy, missing, fix), *found]


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
