"""Reads the targets and tests of a project from the text of its build files.

A build system would list them exactly, and would execute code of the project to do so. The scan
finds names that are written out, and none that the build files compute.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from codeexec.languages.projects.detect import Project, find_project, read_text

TargetKind = Literal["program", "library", "other"]

MOST_FILES = 200
"""Build files of subfolders that are read."""
MOST_TARGETS = 1_000

_CMAKE = re.compile(
    r"^[ \t]*(?P<call>add_executable|add_library|add_custom_target|add_test|add_subdirectory)"
    r"[ \t\n]*\([ \t\n]*(?:NAME[ \t\n]+)?(?P<name>\"[^\"\n]*\"|[^\s()\"]+)"
    r"(?P<rest>[ \t\n]+(?:ALIAS|IMPORTED)\b)?",
    re.IGNORECASE | re.MULTILINE,
)
_CMAKE_COMMENT = re.compile(r"#\[(=*)\[.*?(?:\]\1\]|\Z)|#[^\n]*", re.DOTALL)
_MESON = re.compile(
    r"\b(?P<call>executable|library|shared_library|static_library|both_libraries|custom_target"
    r"|run_target|test|subdir)\s*\(\s*'(?P<name>[^'\n]*)'"
)
_HASH_COMMENT = re.compile(r"(?m)(?:^|\s)#[^\n]*")
_NINJA = re.compile(r"^build (?P<names>(?:\$.|[^:\n$])+): *(?P<rule>\S+)", re.MULTILINE)
_MAKE = re.compile(r"^(?P<names>[^\s#:=$%.][^#:=$%\n]*):(?!:*=)", re.MULTILINE)
_KINDS: dict[str, TargetKind] = {
    "add_executable": "program",
    "executable": "program",
    "add_library": "library",
    "library": "library",
    "shared_library": "library",
    "static_library": "library",
    "both_libraries": "library",
}


class ProjectTarget(NamedTuple):
    """Something that can be built. `program`: it can be run then."""

    name: str
    kind: TargetKind


class DeclaredTest(NamedTuple):
    """A test and the place that declares it; `line` counts from 1."""

    name: str
    file: Path
    line: int


class Scan(NamedTuple):
    """What the text of a project's build files names, in its order."""

    targets: tuple[ProjectTarget, ...]
    tests: tuple[DeclaredTest, ...]

    @property
    def programs(self) -> list[str]:
        """Names of the targets that can be run."""
        return [target.name for target in self.targets if target.kind == "program"]


def scan_project(project: Project) -> Scan:
    """Read the build files as text. Nothing is executed, and no file outside the project's folder
    is read."""
    targets: dict[str, ProjectTarget] = {}
    tests: list[DeclaredTest] = []
    for path, text in _build_files(project):
        for target in _targets(project, text):
            if len(targets) < MOST_TARGETS:
                targets.setdefault(target.name, target)
        tests += islice(_tests(project, path, text), MOST_TARGETS - len(tests))
    return Scan(tuple(targets.values()), tuple(tests))


def names_target(name: str, place: Path) -> bool:
    """Whether the project that this folder is in names a target so."""
    project = find_project(place)
    if project is None or not name:
        return False
    return any(target.name == name for target in scan_project(project).targets)


def _build_files(project: Project) -> Iterator[tuple[Path, str]]:
    """The build file of the project, and those of its subfolders."""
    pending, visited = [project.folder], set[Path]()
    root = project.folder.resolve()
    while pending and len(visited) < MOST_FILES:
        folder = pending.pop(0)
        real = folder.resolve()
        if real in visited or not real.is_relative_to(root):
            continue
        visited.add(real)
        path = folder / project.file
        text = _without_comments(project, read_text(path))
        yield path, text
        for match in _calls(project, text):
            if match["call"].lower() in ("add_subdirectory", "subdir"):
                name = match["name"].strip('"')
                if name and "$" not in name:
                    pending.append(folder / name)


def _without_comments(project: Project, text: str) -> str:
    """Lines keep their numbers."""
    if project.system == "cmake":
        return _CMAKE_COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    if project.system == "meson":
        return _HASH_COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text)
    return text


def _calls(project: Project, text: str) -> Iterator[re.Match[str]]:
    pattern = {"cmake": _CMAKE, "meson": _MESON}.get(project.system)
    return pattern.finditer(text) if pattern is not None else iter(())


def _targets(project: Project, text: str) -> Iterator[ProjectTarget]:
    if project.system == "make":
        yield from _make_targets(text)
    elif project.system == "ninja":
        yield from _ninja_targets(text)
    for match in _calls(project, text):
        call, name = match["call"].lower(), match["name"].strip('"')
        is_alias = project.system == "cmake" and match["rest"] is not None
        if call in ("add_subdirectory", "subdir", "add_test", "test") or is_alias:
            continue
        if name and "$" not in name:
            yield ProjectTarget(name, _KINDS.get(call, "other"))


def _make_targets(text: str) -> Iterator[ProjectTarget]:
    for match in _MAKE.finditer(text.replace("\\\n", "  ")):
        for name in match["names"].split():
            yield ProjectTarget(name, "other")


def _ninja_targets(text: str) -> Iterator[ProjectTarget]:
    for match in _NINJA.finditer(text.replace("$\n", "")):
        is_program = "EXECUTABLE" in match["rule"] or match["rule"] in ("link", "ld", "cxxlink")
        for name in match["names"].split("|")[0].split():
            if not name.endswith((".o", ".d", ".obj")) and name != "build.ninja":
                yield ProjectTarget(name, "program" if is_program else "other")


def _tests(project: Project, path: Path, text: str) -> Iterator[DeclaredTest]:
    for match in _calls(project, text):
        if match["call"].lower() in ("add_test", "test"):
            line = text.count("\n", 0, match.start("call")) + 1
            yield DeclaredTest(match["name"].strip('"'), path, line)
