"""click options that several commands share, and the optional value of `--docker`."""

from __future__ import annotations

from pathlib import Path

import click

from codeexec.cli.completion_names import complete_jupyter_server, complete_server

DOCKER = click.option(
    "--docker",
    default=None,
    metavar="[IMAGE]",
    help="Run code in a container; without IMAGE, in the default image.",
)
"""Value: None without the option, empty without an image."""

_POLICIES = click.Choice(["locked", "network", "open"])
_POLICY_HELP = (
    "Permissions of the container; `locked` has no network; `network` and `open` have one, "
    "which reaches services of this machine."
)
POLICY = click.option("--policy", "--preset", type=_POLICIES, help=_POLICY_HELP)
BUILD_POLICY = click.option("--policy", type=_POLICIES, help=_POLICY_HELP)
"""Where `--preset` is one of CMake."""

TRANSPORT = click.option(
    "--transport",
    type=click.Choice(["relay", "ports"]),
    help="How the container is reached: by one pipe, or by five ports, in the classic layout.",
)

PULL = click.option("--pull", is_flag=True, help="Pull the image if the engine does not have it.")

TRUST = click.option(
    "--trust", is_flag=True, help="Trust the folder from now on, as `codeexec-tui trust` does."
)

PROFILE = click.option(
    "--profile",
    default="",
    metavar="NAME",
    help="How a program is built: debug (the default), release, sanitize, coverage, or one of "
    "your settings.",
)

COMPILER = click.option(
    "--compiler", default="", metavar="COMMAND", help="Another compiler or interpreter."
)

STANDARD = click.option(
    "--std",
    "standard",
    default="",
    metavar="NAME",
    help="The standard of the language, such as c++23.",
)

FLAGS = click.option(
    "--flag",
    "flags",
    multiple=True,
    metavar="WORD",
    help="A further word for the compiler, such as --flag=-std=c++17; may be repeated.",
)

NO_CACHE = click.option(
    "--no-cache", is_flag=True, help="Build the program even if nothing has changed."
)

SSH = click.option(
    "--ssh",
    default="",
    metavar="HOST[:FOLDER]",
    help="Another machine that `ssh` reaches, in place of this one: code runs there.",
)

SERVER = click.option(
    "--server",
    default="",
    metavar="NAME",
    shell_complete=complete_server,
    help="The server [servers.NAME] of your settings, in place of that of this machine.",
)

URL = click.option(
    "--url", default="", metavar="URL", help="A server elsewhere: https://HOST:PORT."
)

TOKEN_FILE = click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the token for --url. Default: the token in CODEEXEC_TOKEN.",
)

JUPYTER = click.option(
    "--server",
    default="",
    metavar="URL|NAME",
    shell_complete=complete_jupyter_server,
    help="Run code on a Jupyter server: its address as pasted, or [remote.NAME] of your settings.",
)

NOT_CONTAINED = (
    "It is for a container, and this code would run in none.",
    "Add --docker, or set kernel.backend to docker.",
)
"""Message and next step of the error for a container option without a container."""

_FILES = (".py", ".ipynb", ".md", ".txt")


def settle_docker(arguments: list[str]) -> list[str]:
    """The arguments with `--docker IMAGE` joined to `--docker=IMAGE`.

    The argument after `--docker` is its image unless it is an option, a file, or a target of the
    project here.
    """
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
    if word.startswith("-") or word.endswith(_FILES) or Path(word).exists():
        return True
    from codeexec.languages.projects.scan import names_target  # of no use to other commands

    return names_target(word, Path())


class DockerCommand(click.Command):
    """A command with the option DOCKER, whose value is optional."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, settle_docker(args))
