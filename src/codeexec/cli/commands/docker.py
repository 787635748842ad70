"""`codeexec-tui docker`: builds the image of containers, and checks the engine."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from codeexec.cli import exit_codes as exits
from codeexec.cli import messages as style
from codeexec.config.load import load
from codeexec.domain.errors import UsageError
from codeexec.domain.places.containers import PORTS

if TYPE_CHECKING:
    from codeexec.environments.docker.engine import Engine
    from codeexec.environments.docker.image import Check
    from codeexec.environments.docker.policy import Policy


def docker_settings() -> tuple[Engine, str, str]:
    """Engine, image and policy of the settings."""
    from codeexec.environments.docker.engine import find_engine
    from codeexec.environments.docker.image import DEFAULT_IMAGE

    settings = load().checked().docker
    return (
        find_engine(settings.engine, settings.context),
        settings.image or DEFAULT_IMAGE,
        settings.wanted,
    )


@click.group()
def docker() -> None:
    """Build and check the image that `--docker` runs code in."""


@docker.command()
@click.option("--image", default="", metavar="NAME", help="Name of the image.")
@click.option("--base", default="", metavar="IMAGE", help="Build on this image.")
@click.option("--network", default="", metavar="NAME", help="Network of the build.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def build(image: str, base: str, network: str, as_json: bool) -> None:
    """Build the default image: Python, ipykernel, numpy, pandas, matplotlib, g++ and make."""
    from codeexec.environments.docker import image as images

    engine, name, _ = docker_settings()
    name = image or name

    async def work() -> None:
        async for line in images.build(engine, name, base=base, network=network):
            if as_json:
                style.say_json({"line": line}, flush=True)
            else:
                style.say(line, flush=True)

    asyncio.run(work())
    if as_json:
        style.say_json({"image": name})
    else:
        style.say(f"built: {name}")


@docker.command()
@click.option("--image", default="", metavar="NAME", help="The image; else that of the settings.")
@click.option("--json", "as_json", is_flag=True, help="One check a line, as JSON.")
def check(image: str, as_json: bool) -> int:
    """Check the engine, its limits, and whether the image starts, with a fix for each problem."""
    from codeexec.environments.docker import image as images
    from codeexec.environments.docker.policy import parse

    engine, name, words = docker_settings()
    policy = parse(words)
    results = asyncio.run(images.check(engine, image or name, policy))
    if load().settings.docker.transport == PORTS:
        results.append(_check_ports(policy))
    color = style.wants_color(sys.stdout)
    for check_result in results:
        if as_json:
            style.say_json(asdict(check_result))
            continue
        mark = (
            style.paint("✓", "good", color) if check_result.ok else style.paint("✗", "bad", color)
        )
        style.say(mark, f" {check_result.name}: {check_result.told}")
        if check_result.fix:
            style.say("    ", style.paint("→", "accent", color), f" {check_result.fix}")
    return exits.OK if all(check_result.ok for check_result in results) else exits.FAILED


def _check_ports(policy: Policy) -> Check:
    """Whether the policy of the settings allows the transport `ports`."""
    from codeexec.environments.docker.image import Check
    from codeexec.kernels.docker.classic import require_network

    try:
        require_network(policy)
    except UsageError as error:
        return Check("transport", False, error.message, error.next_step)
    return Check("transport", True, "ports: other users of this machine can read what is printed")
