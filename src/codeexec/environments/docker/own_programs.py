"""What this machine executes from a workspace: code in a container may read it, not change it.

With `codeexec-tui` installed in the `.venv` of a project, or with that activated, code in a
container could put itself where our next start, or the user's shell, finds it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from codeexec.domain.errors import CodeexecError
from codeexec.hostfiles.place import locate


def executed_inside(workspace: Path, environ: Mapping[str, str] | None = None) -> list[Path]:
    """Folders below `workspace` from which we, or programs on the user's PATH, are executed: each
    without links, none below another."""
    environ = os.environ if environ is None else environ
    named = [sys.prefix, environ.get("VIRTUAL_ENV", ""), environ.get("CONDA_PREFIX", "")]
    named += [*sys.path, *environ.get("PATH", "").split(os.pathsep)]
    folders = {locate_folder(name) for name in named if name.startswith("/")}
    inside = sorted(
        folder for folder in folders if folder is not None and workspace in folder.parents
    )
    return [folder for folder in inside if not any(above in folder.parents for above in inside)]


def fixed_above(folders: Iterable[Path], workspace: Path) -> list[Path]:
    """The folders between `workspace` and these: mounted onto themselves they cannot be renamed,
    and nothing else can be put at the path of what is in them."""
    between = {
        above for folder in folders for above in folder.parents if workspace in above.parents
    }
    return sorted(between)


def locate_folder(name: str) -> Path | None:
    """The real path of a folder that is there; None for anything else, also what is reached over
    a link in a folder that code in a container can change."""
    try:
        folder = locate(Path(name)).real
    except CodeexecError:
        return None
    return folder if folder.is_dir() else None
