"""`codeexec-tui build`: builds a program or a project, and prints its diagnostics."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codeexec.cli import messages as style
from codeexec.cli.options import (
    BUILD_POLICY,
    COMPILER,
    DOCKER,
    FLAGS,
    NO_CACHE,
    NOT_CONTAINED,
    PROFILE,
    PULL,
    STANDARD,
    DockerCommand,
)
from codeexec.cli.run_options import RunOptions
from codeexec.cli.script import steps
from codeexec.cli.script.file_build import build_file
from codeexec.cli.script.plain import has_settings
from codeexec.cli.script.prepared import NotRun
from codeexec.domain.errors import UsageError
from codeexec.domain.places.backends import CONTAINERS

if TYPE_CHECKING:
    from codeexec.languages.model import Language


@click.command(cls=DockerCommand)
@click.argument("target", metavar="[FILE|TARGET]", default="", type=click.Path())
@click.option("--test", "is_test", is_flag=True, help="Build the project, and run its tests.")
@click.option("--list", "as_list", is_flag=True, help="List the project's targets; build nothing.")
@click.option("--preset", default="", metavar="NAME", help="A configure preset of CMake.")
@PROFILE
@COMPILER
@STANDARD
@FLAGS
@NO_CACHE
@DOCKER
@BUILD_POLICY
@PULL
@click.option("--json", "as_json", is_flag=True, help="Print one diagnostic per line, as JSON.")
def build(
    target: str,
    is_test: bool,
    as_list: bool,
    preset: str,
    profile: str,
    compiler: str,
    standard: str,
    flags: tuple[str, ...],
    no_cache: bool,
    docker: str | None,
    policy: str | None,
    pull: bool,
    as_json: bool,
) -> int:
    """Build FILE as `codeexec-tui run` does, or a TARGET of the project that this folder is in.

    A project has a CMakeLists.txt, meson.build, build.ninja or Makefile, here or in a folder above.
    Without TARGET its default is built; a folder stands for the project there. CMake and Meson
    build in a folder of the cache, in that of the preset, or in `build` if you have configured it.

    The tools' reports go to stderr, the path of the program to stdout. With --json, stdout has one
    object for each diagnostic (file, line, column, end_line, end_column, severity, message, code,
    fixes), one for each test (name, status, file, line), and a last one with the status and the
    path of the program. The exit status is 0, or 1 if the build or a test failed.

    With --docker the tools of the image build in a container, which ends with the build: what is
    built there is gone then, unless it is in the folder of the project (Make, Ninja).
    """
    options = RunOptions(
        target,
        as_json=as_json,
        profile=profile,
        compiler=compiler,
        standard=standard,
        flags=flags,
        no_cache=no_cache,
    )
    options = _with_settings(options, docker, policy, pull=pull)
    try:
        language = _language_of_file(target, is_project=is_test or as_list or bool(preset))
        if options.backend == CONTAINERS and not as_list:
            from codeexec.cli.commands.builds.contained import build_contained

            return build_contained(options, language, preset, is_test=is_test)
        if language is not None:
            return build_file(options, language)
        from codeexec.cli.commands.builds.project import build_target, show_targets

        if as_list:
            return show_targets(options)
        return build_target(options, preset, is_test=is_test)
    except NotRun as error:
        style.show_error(error, as_json)
        return error.status


def _with_settings(
    options: RunOptions, docker: str | None, policy: str | None, *, pull: bool
) -> RunOptions:
    """Where it is built: as the options say, or else as `run` does by the settings. UsageError."""
    if not (docker is not None or policy or pull or has_settings(os.environ)):
        return options
    from codeexec.config.load import load
    from codeexec.environments.trust.store import RunTrust

    flags = {
        "kernel.backend": CONTAINERS if docker is not None else None,
        "docker.image": docker or None,
        "docker.policy": policy,
        "docker.pull": "true" if pull else None,
    }
    loaded = load(None, flags, trust=RunTrust(options.file))
    settings = loaded.checked()
    options = options._replace(profiles=settings.programs.profiles)
    if settings.kernel.backend != CONTAINERS:
        if policy:
            raise UsageError(f"--policy {policy}: {NOT_CONTAINED[0]}", NOT_CONTAINED[1])
        return options
    return options._replace(
        backend=CONTAINERS,
        image=settings.docker.image,
        policy=settings.docker.wanted,
        remarks=tuple(map(str, loaded.withheld)),
    )


def _language_of_file(name: str, *, is_project: bool) -> Language | None:
    """The language of a file that is built by itself; None where a project is meant. UsageError
    for a file that is neither."""
    if is_project or not name or os.path.isdir(name):  # noqa: PTH112
        return None
    language = steps.language_of_file(name)
    if language is not None and language.build and os.path.isfile(name):  # noqa: PTH113
        return language
    from codeexec.languages.projects.detect import FILES
    from codeexec.languages.projects.scan import names_target

    base = os.path.basename(name)  # noqa: PTH119
    if any(base in names for _, names in FILES) or names_target(name, Path()):
        return None
    if language is not None and language.build:
        return language
    if language is None and not os.path.exists(name) and os.sep not in name:  # noqa: PTH110
        return None  # a target that no text names
    raise UsageError(f"{base} is no file that is built.", f"Run it: codeexec-tui run {name}")
