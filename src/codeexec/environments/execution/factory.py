"""Kinds of places by name: this machine, a container, and those of other distributions.

A kind of another distribution is an entry point of the group `codeexec.environments`: its name is
the `type` of EnvironmentOptions, its object is called with these and returns a primitive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from codeexec.domain.errors import UsageError
from codeexec.environments.base import EnvironmentPrimitive
from codeexec.environments.execution.config import EnvironmentOptions

GROUP = "codeexec.environments"
_PREFIX = "codeexec-app-"

CreatePrimitive = Callable[[EnvironmentOptions], Awaitable[EnvironmentPrimitive]]


async def get_environment_primitive(options: EnvironmentOptions) -> EnvironmentPrimitive:
    """Start a place, which the caller ends with `terminate`.

    UsageError: there is no such kind, or its options make no sense. EnvironmentUnavailable: it
    cannot be started; the message says why.
    """
    create = _KINDS.get(options.type)
    if create is None:
        create = await asyncio.to_thread(_registered, options.type)
    return await create(options)


async def _create_local(options: EnvironmentOptions) -> EnvironmentPrimitive:
    from codeexec.environments.local import LocalEnvironment
    from codeexec.environments.temporary import LockedFolder, sweep

    if options.workspace is None:
        raise UsageError("A local environment needs a workspace.", "Name a folder.")
    workspace = options.workspace
    await asyncio.to_thread(sweep, _PREFIX)  # of processes that were killed
    application = await asyncio.to_thread(LockedFolder, _PREFIX)
    try:
        return LocalEnvironment(workspace, application=application)
    except BaseException:
        application.remove()
        raise


async def _create_docker(options: EnvironmentOptions) -> EnvironmentPrimitive:
    from codeexec.environments.docker.engine import find_engine
    from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
    from codeexec.environments.docker.policy import PRESETS

    docker = options.docker
    if not docker.image:
        raise UsageError("A container needs an image.", "Name one: DockerOptions(image=…).")
    if docker.policy not in PRESETS:
        raise UsageError(
            f"There is no policy {docker.policy!r}.", f"Name one of {', '.join(PRESETS)}."
        )
    plan = ContainerPlan(
        docker.image,
        PRESETS[docker.policy],
        options.workspace,
        find_engine(docker.engine, docker.context),
    )
    return await DockerEnvironment.create(plan)


_KINDS: dict[str, CreatePrimitive] = {"local": _create_local, "docker": _create_docker}


def _registered(name: str) -> CreatePrimitive:
    from importlib.metadata import entry_points

    others = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in others:
        raise UsageError(
            f"There is no environment of the type {name!r}.",
            f"Name one of {', '.join([*_KINDS, *others])}.",
        )
    create: CreatePrimitive = others[name].load()
    return create
