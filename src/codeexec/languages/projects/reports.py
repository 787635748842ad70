"""Finds the diagnostics in what the build of a project printed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from codeexec.domain.diagnostics import Diagnostic, SourceLocation
from codeexec.languages.model import Language
from codeexec.languages.problems.read import GCC, find_problems

PROJECT = Language(
    name="project",
    title="Project",
    debugger="gdb",
    install_debugger="apt install gdb",
    problems=(
        GCC,
        r"^CMake (?P<severity>Error|Warning)(?: \(dev\))? at (?P<file>[^:\n]+):(?P<line>\d+)"
        r" \([^)\n]*\):\n+ +(?P<message>.+)$",
        r"^CMake Error: (?P<message>.+)$",
        r"^(?P<file>[^\s:]*meson\.build):(?P<line>\d+):(?P<column>\d+): "
        r"(?P<severity>ERROR|WARNING): (?P<message>.+)$",
        r"^(?P<file>[^:\n]+):(?P<line>\d+): \*\*\* (?P<message>.+)$",
        r"^\w*make(?:\[\d+\])?: \*\*\* (?P<message>No rule .+)$",
        r"^\w*make(?:\[\d+\])?: \*\*\* \[(?P<file>[^:\n]+):(?P<line>\d+): "
        r"(?P<message>.+ Error \d+)$",
    ),
)
"""What a project is written in, as far as its reports are concerned."""
_ENTERING = re.compile(r"^\w*make(?:\[\d+\])?: (Entering|Leaving) directory ['`](.*)'$")
_PLACE = re.compile(
    r"^(?P<before>(?:In file included from |[ ]+from |fix-it:\")?)(?P<file>[^\s:\"/][^:\"\n]*)"
    r"(?P<after>\":|:\d+)"
)
_CONSEQUENCE = re.compile(r"\] Error \d+$|^rebuilding 'build.ninja'")
"""Ends a report of make or ninja, after the errors themselves."""


def find_project_problems(
    text: str, root: Path, folder: Path, source: str
) -> tuple[Diagnostic, ...]:
    """The diagnostics of a report, each once, with absolute paths of files that are there. `root`
    is the project's folder and `folder` the one where it is built."""
    lines = "\n".join(_with_absolute_paths(text, root, folder))
    unique: dict[tuple[SourceLocation, str], Diagnostic] = {}
    for problem in find_problems(PROJECT, lines, str(root), source):
        unique.setdefault((problem.place, problem.message), problem)
    problems = list(unique.values())
    if any(p.severity == "error" and not is_consequence(p) for p in problems):
        problems = [p for p in problems if not is_consequence(p)]
    return tuple(_placed(problem, root) for problem in problems)


def is_consequence(problem: Diagnostic) -> bool:
    """Whether a build tool only says that another one failed."""
    return _CONSEQUENCE.search(problem.message) is not None


def _with_absolute_paths(text: str, root: Path, folder: Path) -> Iterator[str]:
    """Lines in which files that a tool named as seen from its own folder have whole paths."""
    stack: list[str] = []
    for line in text.split("\n"):
        if (moved := _ENTERING.match(line)) is not None:
            if moved[1] == "Entering":
                stack.append(moved[2])
            elif moved[2] in stack:
                stack.remove(moved[2])
            yield line
            continue
        match = _PLACE.match(line)
        if match is not None:
            for base in (*reversed(stack), str(folder), str(root)):
                path = os.path.normpath(os.path.join(base, match["file"]))  # noqa: PTH118
                if os.path.isfile(path):  # noqa: PTH113
                    line = f"{match['before']}{path}{line[match.start('after') :]}"
                    break
        yield line


def _placed(problem: Diagnostic, root: Path) -> Diagnostic:
    """CMake and make name their own files as seen from the project's folder."""
    place = problem.place
    if not place.file or place.file.startswith("/") or not (root / place.file).is_file():
        return problem
    placed = msgspec.structs.replace(place, file=str(root / place.file))
    return msgspec.structs.replace(problem, place=placed)
