"""Workspace of a start: the folder and the files from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from codeexec.hostfiles.place import locate


class Workspace(NamedTuple):
    """The folder, and the files to show."""

    folder: Path
    files: tuple[Path, ...]


def workspace_of(files: tuple[str, ...], cwd: Path) -> Workspace:
    """A folder among the files is where one works; else it is the current one. Denied for a link
    that code in a container may have made."""
    paths = [(cwd / name).expanduser() for name in files]
    folders = [path for path in paths if path.is_dir()]
    folder = locate(folders[0]).real if folders else cwd
    return Workspace(folder, tuple(path for path in paths if not path.is_dir()))
