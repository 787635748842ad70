"""Finds the programs that a build has made, in what the build system wrote about them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from codeexec.domain.errors import NotFound, UsageError
from codeexec.languages.projects.detect import Project, read_text
from codeexec.languages.projects.plan import REPLY
from codeexec.languages.projects.scan import MOST_TARGETS, scan_project


def find_program(project: Project, folder: Path, target: str) -> Path:
    """The program of a target that was built in `folder`; without a target the only one. NotFound
    for a target that makes none, UsageError where there are several."""
    programs = programs_of(project, folder)
    if not target and len(programs) == 1:
        return next(iter(programs.values()))
    if not target and programs:
        raise UsageError(
            f"The project in {project.folder} has several programs.",
            f"Name one: {', '.join(sorted(programs))}",
        )
    if target in programs:
        return programs[target]
    path = folder / target
    if target and project.system in ("make", "ninja") and _is_program(path):
        return path
    names = f"Programs are {', '.join(sorted(programs))}." if programs else ""
    if not target:
        raise NotFound(f"The project in {project.folder} makes no program.", "Name a target.")
    raise NotFound(f"The target {target} makes no program.", names or "Build it first.")


def programs_of(project: Project, folder: Path) -> dict[str, Path]:
    """Programs by the name of their target, as far as the build system tells them."""
    match project.system:
        case "cmake":
            return dict(_of_cmake(folder))
        case "meson":
            return dict(_of_meson(folder))
        case _:
            names = [target.name for target in scan_project(project).targets]
            return {name: folder / name for name in names if _is_program(folder / name)}


def _of_cmake(folder: Path) -> Iterator[tuple[str, Path]]:
    reply = folder / REPLY
    indexes = sorted(reply.glob("index-*.json"))
    index = _read(indexes[-1]) if indexes else {}
    for entry in _dicts(index.get("objects")):
        if entry.get("kind") != "codemodel":
            continue
        model = _read_named(reply, entry)
        for configuration in _dicts(model.get("configurations"))[:1]:
            for target in _dicts(configuration.get("targets"))[:MOST_TARGETS]:
                yield from _of_target(folder, _read_named(reply, target))


def _of_target(folder: Path, target: Mapping[str, object]) -> Iterator[tuple[str, Path]]:
    if target.get("type") == "EXECUTABLE":
        for artifact in _dicts(target.get("artifacts"))[:1]:
            name, path = target.get("name"), artifact.get("path")
            if isinstance(name, str) and isinstance(path, str):
                yield name, folder / path


def _of_meson(folder: Path) -> Iterator[tuple[str, Path]]:
    for target in _dicts(_load(folder / "meson-info" / "intro-targets.json"))[:MOST_TARGETS]:
        name, files = target.get("name"), target.get("filename")
        if target.get("type") == "executable" and isinstance(name, str) and files:
            first = files[0] if isinstance(files, list) else files
            if isinstance(first, str):
                yield name, folder / first


def _read_named(reply: Path, entry: Mapping[str, object]) -> Mapping[str, object]:
    name = entry.get("jsonFile")
    return _read(reply / name) if isinstance(name, str) and "/" not in name else {}


def _read(path: Path) -> Mapping[str, object]:
    content = _load(path)
    return content if isinstance(content, dict) else {}


def _load(path: Path) -> object:
    try:
        return json.loads(read_text(path) or "null")
    except (ValueError, RecursionError):
        return None


def _dicts(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
