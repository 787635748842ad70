"""Options that several commands have, and how their words are told apart."""

from __future__ import annotations

from pathlib import Path

import click

DOCKER = click.option(
    "--docker",
    default=None,
    metavar="[IMAGE]",
    help="Run code in a container; without IMAGE, in our own image.",
)
"""Its value is None without the option, and empty where no image is named."""

POLICY = click.option(
    "--policy",
    "--preset",
    type=click.Choice(["locked", "network", "open"]),
    help="What the container may do; `locked` has no network; with one (`network`, `open`) "
    "services of this machine can be reached.",
)

PULL = click.option("--pull", is_flag=True, help="Fetch the image where it is not on the engine.")

TRUST = click.option(
    "--trust", is_flag=True, help="Trust the folder from now on, as `codeexec-tui trust` does."
)

NOT_CONTAINED = (
    "It says what a container may do, and this code would run in none.",
    "Add --docker, or set kernel.backend to docker.",
)
"""What is wrong with the options above, and what to do about it."""

_FILES = (".py", ".ipynb", ".md", ".txt")


def settle_docker(arguments: list[str]) -> list[str]:
    """`--docker` with its image, if the word after it is one: no option and no file."""
    settled: list[str] = []
    positions = iter(range(len(arguments)))
    for position in positions:
        word = arguments[position]
        if word == "--":
            return settled + arguments[position:]
        if word != "--docker":
            settled.append(word)
            continue
        following = arguments[position + 1] if position + 1 < len(arguments) else ""
        if following and not _is_no_image(following):
            next(positions)
            settled.append(f"--docker={following}")
        else:
            settled.append("--docker=")
    return settled


def _is_no_image(word: str) -> bool:
    return word.startswith("-") or word.endswith(_FILES) or Path(word).exists()


class DockerCommand(click.Command):
    """A command with DOCKER, whose image may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, settle_docker(args))
