"""Where a path points inside a workspace, by its spelling alone."""

from __future__ import annotations

from pathlib import PurePosixPath

from codeexec.domain.errors import Conflict, Denied, NotFound
from codeexec.environments.base import Location


def inside(root: PurePosixPath, path: Location) -> tuple[str, ...]:
    """The parts of `path` below `root`; () is the root itself.

    `..` is resolved by spelling, which is safe because nothing here follows symbolic links.
    Raises Denied when the path leads out, or holds a NUL.
    """
    spelled = PurePosixPath(path)
    if spelled.is_absolute():
        try:
            spelled = spelled.relative_to(root)
        except ValueError:
            raise _outside(root, path) from None
    parts: list[str] = []
    for part in spelled.parts:
        if "\0" in part:
            raise _outside(root, path)
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise _outside(root, path)
    return tuple(parts)


def entry_parts(root: PurePosixPath, path: Location) -> tuple[str, ...]:
    """The same of what is to be made, renamed or removed below the root; Denied for the root."""
    parts = inside(root, path)
    if not parts:
        raise Denied(f"The folder {root} itself is not changed.", "Name something in it.")
    return parts


def taken(path: Location) -> Conflict:
    """The error for a name that something has already."""
    return Conflict(f"{path} is there already.", "Choose another name.")


def missing(path: Location) -> NotFound:
    """The error for what was to be changed and is not there."""
    return NotFound(f"{path} is not there.", "List the folder again.")


def _outside(root: PurePosixPath, path: Location) -> Denied:
    return Denied(f"{str(path)!r} is outside the workspace {root}.", "Name a path inside it.")
