"""Reads the configure presets of a CMake project, with the folder that each builds in."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from codeexec.domain.errors import UsageError
from codeexec.languages.projects.detect import Project, read_text

FILES = ("CMakePresets.json", "CMakeUserPresets.json")
MOST_INCLUDED = 32
"""Files of presets that are read."""
MOST_PRESETS = 1_000
MOST_PARENTS = 64
"""Presets that one inherits from, itself among them."""
_MACRO = re.compile(r"\$(?P<space>env|penv)?\{(?P<name>[^}]*)\}")


class Preset(NamedTuple):
    """`folder` is where it builds; None where that cannot be told from the text."""

    name: str
    title: str
    folder: Path | None


def read_presets(project: Project, environ: Mapping[str, str]) -> tuple[Preset, ...]:
    """The configure presets that a user can choose, in their order; hidden ones are none."""
    if project.system != "cmake":
        return ()
    entries = _entries(project.folder)
    return tuple(
        Preset(name, _text(entry, "displayName") or name, _folder(project, entries, name, environ))
        for name, entry in islice(entries.items(), MOST_PRESETS)
        if entry.get("hidden") is not True
    )


def choose_preset(project: Project, name: str, environ: Mapping[str, str]) -> Preset:
    """The preset called `name`. UsageError that names those there are."""
    presets = read_presets(project, environ)
    for preset in presets:
        if preset.name == name:
            return preset
    names = ", ".join(preset.name for preset in presets)
    raise UsageError(
        f"The project in {project.folder} has no preset {name!r}.",
        f"It has {names}." if names else "Leave --preset out.",
    )


def _entries(folder: Path) -> dict[str, Mapping[str, object]]:
    entries: dict[str, Mapping[str, object]] = {}
    pending = [folder / name for name in FILES]
    visited: set[Path] = set()
    while pending and len(visited) < MOST_INCLUDED:
        path = pending.pop(0)
        if path in visited:
            continue
        visited.add(path)
        try:
            content = json.loads(read_text(path) or "{}")
        except (ValueError, RecursionError):
            continue
        if not isinstance(content, dict):
            continue
        for entry in _list(content.get("configurePresets")):
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                entries.setdefault(entry["name"], entry)
        included = [name for name in _list(content.get("include")) if isinstance(name, str)]
        pending += [Path(os.path.normpath(path.parent / name)) for name in included]
    return entries


def _folder(
    project: Project,
    entries: Mapping[str, Mapping[str, object]],
    name: str,
    environ: Mapping[str, str],
) -> Path | None:
    value = _inherited(entries, name, "binaryDir")
    generator = _inherited(entries, name, "generator")
    source = project.folder
    values = {
        "sourceDir": str(source),
        "sourceParentDir": str(source.parent),
        "sourceDirName": source.name,
        "presetName": name,
        "generator": generator,
        "hostSystemName": platform.system(),
        "dollar": "$",
        "pathListSep": ":",
    }
    is_known = bool(value)

    def replacement(match: re.Match[str]) -> str:
        nonlocal is_known
        variables = environ if match["space"] else values
        is_known = is_known and match["name"] in variables
        return variables.get(match["name"], "")

    path = _MACRO.sub(replacement, value)
    return Path(os.path.normpath(source / path)) if is_known else None


def _inherited(entries: Mapping[str, Mapping[str, object]], name: str, key: str) -> str:
    """The value of a preset, or of the first of those that it inherits from which has one."""
    pending, visited = [name], set[str]()
    while pending and len(visited) < MOST_PARENTS:
        current = pending.pop(0)
        entry = entries.get(current)
        if entry is None or current in visited:
            continue
        visited.add(current)
        if value := _text(entry, key):
            return value
        parents = entry.get("inherits")
        names = [parents] if isinstance(parents, str) else _list(parents)
        pending[:0] = [name for name in names[:MOST_PARENTS] if isinstance(name, str)]
    return ""


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
