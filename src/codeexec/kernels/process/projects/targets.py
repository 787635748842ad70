"""Lists the targets of a project: from its text, and by its build system where that is trusted."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from codeexec.environments.trust.store import Trust
from codeexec.hostfiles.programs import which
from codeexec.languages.projects.built import programs_of
from codeexec.languages.projects.detect import Project
from codeexec.languages.projects.plan import configured_folder
from codeexec.languages.projects.scan import MOST_TARGETS, ProjectTarget, scan_project

SECONDS = 10.0
"""How long a build system may take to list its targets."""
_MAKE_RULE = re.compile(r"^([^\s#:=%.][^:=%\n]*):(?!=)")


def list_targets(
    project: Project, environ: Mapping[str, str], trust: Trust
) -> tuple[ProjectTarget, ...]:
    """All targets by name. The build system itself is asked only in a folder that the user trusts:
    make executes code of the Makefile to list its targets."""
    targets = {target.name: target for target in scan_project(project).targets}
    folder = configured_folder(project)
    for name in programs_of(project, folder) if folder is not None else ():
        targets[name] = ProjectTarget(name, "program")
    if trust.allows(str(project.folder), str(project.folder / project.file)):
        for name in _asked(project, environ):
            targets.setdefault(name, ProjectTarget(name, "other"))
    return tuple(targets.values())[:MOST_TARGETS]


def _asked(project: Project, environ: Mapping[str, str]) -> Iterator[str]:
    if project.system == "make":
        yield from _make_names(_output(project, ("make", "-qp"), environ))
    elif project.system == "ninja":
        for line in _output(project, ("ninja", "-t", "targets", "all"), environ).splitlines():
            name = line.rpartition(":")[0]
            if name and not name.endswith((".o", ".obj", ".d")):
                yield name


def _make_names(database: str) -> Iterator[str]:
    previous_line = ""
    for line in database.splitlines():
        rule = _MAKE_RULE.match(line)
        if rule is not None and previous_line != "# Not a target:":
            yield from rule[1].split()
        previous_line = line


def _output(project: Project, command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    tool = which(command[0], environ)
    if tool is None:
        return ""
    try:
        done = subprocess.run(
            (tool, *command[1:]),
            cwd=Path(project.folder),
            env={**environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
