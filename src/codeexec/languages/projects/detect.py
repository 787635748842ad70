"""Finds the project that a file belongs to, by looking at names and text alone."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

from codeexec.domain.errors import NotFound
from codeexec.domain.plain_files import open_plain
from codeexec.hostfiles.state import is_own

BuildSystem = Literal["cmake", "meson", "ninja", "make"]

FILES: tuple[tuple[BuildSystem, tuple[str, ...]], ...] = (
    ("cmake", ("CMakeLists.txt",)),
    ("meson", ("meson.build",)),
    ("ninja", ("build.ninja",)),
    ("make", ("GNUmakefile", "makefile", "Makefile")),  # the order in which make looks
)
"""Build systems, the best first, with the names of the files that describe a project."""
TITLES: dict[BuildSystem, str] = {
    "cmake": "CMake", "meson": "Meson", "ninja": "Ninja", "make": "Make"
}  # fmt: skip
MOST_FOLDERS = 32
"""Folders above a file in which a project is looked for."""
MOST_BYTES = 1 << 20
"""Bytes of a build file that are read."""
_PROJECT = r"(?im)^[ \t]*project\s*\("  # compiled when used: each build imports this
_BOUNDARIES = (".git", ".hg", ".jj")
"""A folder with one of these is a repository: what is above it is of another project."""


class Project(NamedTuple):
    """`folder` holds `file`, by which `system` builds the project."""

    system: BuildSystem
    folder: Path
    file: str

    @property
    def title(self) -> str:
        """Such as `CMake project app`."""
        return f"{TITLES[self.system]} project {self.folder.name}"


def require_project(place: Path) -> Project:
    """As `find_project`; NotFound where there is none."""
    project = find_project(place)
    if project is None:
        raise no_project(place)
    return project


def no_project(place: Path) -> NotFound:
    """The error that says so."""
    return NotFound(
        f"There is no project in {place.absolute()}, nor above it.",
        "A project has a CMakeLists.txt, meson.build, build.ninja or Makefile.",
    )


def find_project(place: Path) -> Project | None:
    """The project of a file or folder; None where there is none.

    The nearest folder with a build file counts. CMake and Meson describe a subfolder by a file of
    its own, so there it is the outermost one that declares a project. The search ends at a
    repository's root, at the home folder, and at a folder that belongs to another user.
    """
    nearest: Project | None = None
    for folder in _folders_above(place):
        if nearest is None:
            nearest = project_at(folder)
        else:
            outer = _project_of(folder, nearest.system)
            if outer is not None and nearest.system in ("cmake", "meson") and _declares(outer):
                nearest = outer
    return nearest


def project_at(folder: Path) -> Project | None:
    """The project that this folder itself describes, by the best build system."""
    for system, _ in FILES:
        if (project := _project_of(folder, system)) is not None:
            return project
    return None


def read_text(path: Path) -> str:
    """Text of a build file, cut at `MOST_BYTES`; empty where it is no plain file that can be
    read."""
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            return file.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _project_of(folder: Path, system: BuildSystem) -> Project | None:
    for name in dict(FILES)[system]:
        if (folder / name).is_file():
            return Project(system, folder, name)
    return None


def _declares(project: Project) -> bool:
    return re.search(_PROJECT, read_text(project.folder / project.file)) is not None


def _folders_above(place: Path) -> list[Path]:
    start = Path(os.path.abspath(place))  # noqa: PTH100 (links stay as named)
    if not start.is_dir():
        start = start.parent
    home = Path.home()
    folders: list[Path] = []
    for folder in (start, *start.parents)[:MOST_FOLDERS]:
        if folders and (folder == home or not is_own(folder)):
            break
        folders.append(folder)
        if any((folder / name).exists() for name in _BOUNDARIES):
            break
    return folders
