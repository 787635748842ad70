"""`codeexec-tui [FILE…]`, `attach` and `demo`: the commands that open the workbench."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeexec.cli.completion_names import (
    complete_kernel,
    complete_open_session,
    complete_session,
    complete_theme,
)
from codeexec.cli.launch import open_workbench
from codeexec.cli.options import (
    DOCKER,
    JUPYTER,
    NOT_CONTAINED,
    POLICY,
    PULL,
    SERVER,
    SSH,
    TOKEN_FILE,
    TRANSPORT,
    TRUST,
    URL,
    DockerCommand,
)
from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import CONTAINERS
from codeexec.tui.options import OpenOptions
from codeexec.tui.session.workspace import workspace_of

if TYPE_CHECKING:
    from codeexec.tui.options import Policy, Transport


@click.command("codeexec-tui", cls=DockerCommand, add_help_option=False)
@click.argument("files", nargs=-1, type=click.Path())
@click.option(
    "--kernel",
    default="",
    metavar="NAME|PATH",
    shell_complete=complete_kernel,
    help="A kernel, or a Python's path.",
)
@click.option("--new", is_flag=True, help="Open a new session, even if this folder has one.")
@click.option(
    "--session",
    default="",
    metavar="NAME",
    shell_complete=complete_session,
    help="Open the session of this name; a new one if there is none.",
)
@JUPYTER
@SSH
@DOCKER
@POLICY
@TRANSPORT
@PULL
@TRUST
@click.option(
    "--theme",
    default="",
    metavar="NAME",
    shell_complete=complete_theme,
    help="Colour theme for this run.",
)
def open_command(
    files: tuple[str, ...],
    kernel: str,
    new: bool,
    session: str,
    server: str,
    ssh: str,
    docker: str | None,
    policy: Policy | None,
    transport: Transport | None,
    pull: bool,
    trust: bool,
    theme: str,
) -> int:
    """Open FILES, or a folder, in the workbench."""
    if ssh:
        contained = docker is not None or policy or transport or pull
        if server or contained or trust:
            raise UsageError(
                "--ssh names a machine on which code runs, and so do the other options.",
                "Leave the others out; F12 offers the containers and servers there.",
            )
        from codeexec.cli.servers.remote import ssh_target

        target = ssh_target(ssh)
        return open_workbench(
            OpenOptions(files, kernel, new, session=session, theme=theme, server=target)
        )
    place = workspace_of(files, Path.cwd())
    if trust:
        from codeexec.config.trust import grant

        grant(place.folder, next(iter(place.files), None))
    if (policy or transport) and docker is None:
        from codeexec.config.load import load

        if kernel or load(place.folder).checked().kernel.backend != CONTAINERS:
            # Fail early: the user relies on the policy that they name.
            option = f"--policy {policy}" if policy else f"--transport {transport}"
            raise UsageError(f"{option}: {NOT_CONTAINED[0]}", NOT_CONTAINED[1])
    if server:
        from codeexec.cli.servers.jupyter import kernel_name

        if docker is not None:
            raise UsageError("--server and --docker are two places.", "Leave one of them out.")
        kernel = kernel_name(server, kernel)
    return open_workbench(
        OpenOptions(
            files=files,
            kernel=kernel,
            new=new,
            session=session,
            docker=docker,
            policy=policy or "",
            transport=transport or "",
            pull=pull,
            theme=theme,
        )
    )


@click.command()
@click.argument("name", default="", shell_complete=complete_open_session)
@click.option("--watch", is_flag=True, help="Read-only: watch without changing anything.")
@URL
@TOKEN_FILE
@SERVER
@SSH
def attach(name: str, watch: bool, url: str, token_file: Path | None, server: str, ssh: str) -> int:
    """Open the workbench on the running session NAME; default: the one used last.

    With --url or --server, on a session server of another machine (`serve --bind` there); with
    --ssh, on one that is started there. A session is opened there if none is running. Code and
    its files are there, documents here.
    """
    target = None
    if url or token_file or server or ssh:
        from codeexec.cli.servers.remote import chosen_target

        target = chosen_target("attach", url, token_file, server, ssh)
    return open_workbench(OpenOptions(session=name, attach=True, watch=watch, server=target))


@click.command()
def demo() -> int:
    """Take the tour: a lesson in checked steps, which you can leave and resume."""
    from codeexec.cli.lessons.opening import read_for_command, tour_options
    from codeexec.config.paths import built_in_lessons, find_paths

    file = built_in_lessons() / "tour.md"
    _, lesson = read_for_command(file)
    # Our own Python has the packages that the tour draws with.
    folder = find_paths().state / "tour"
    return open_workbench(tour_options(lesson, file, sys.executable, folder))
