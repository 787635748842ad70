"""Create, rename and delete files; failures are raised as errors with messages for the user."""

from __future__ import annotations

from pathlib import Path

from codeexec.domain.errors import Conflict, Denied, StorageError, UsageError
from codeexec.hostfiles import files as hostfiles


def path_inside(root: Path, folder: Path, name: str) -> Path:
    """Path of a name that the user typed; raises UsageError and Denied."""
    name = name.strip()
    if not name.strip("/. ") or "\0" in name:
        raise UsageError(f"{name!r} is no name for a file.", "Type a name such as notes.py.")
    # By spelling: `hostfiles` says which links on the way are followed.
    parts: list[str] = []
    for part in (*folder.relative_to(root).parts, *Path(name).parts):
        if part == "..":
            if not parts:
                raise Denied(f"{name} is outside of {root}.", "Choose a place in this folder.")
            parts.pop()
        else:
            parts.append(part)
    if Path(name).is_absolute() or not parts:
        raise Denied(f"{name} is not a place in {root}.", "Choose a place in this folder.")
    return root.joinpath(*parts)


def create(root: Path, folder: Path, name: str) -> Path:
    """A new empty file, or a folder where the name ends in a slash; folders on the way as well.

    Raises UsageError, Denied, Conflict and StorageError.
    """
    path = path_inside(root, folder, name)
    try:
        if name.rstrip().endswith("/"):
            hostfiles.make_folder(path)
        else:
            hostfiles.make_file(path)
    except FileExistsError as error:
        raise taken(name) from error
    except OSError as error:
        raise _storage(f"{name} cannot be made", error) from error
    return path


def rename(root: Path, path: Path, name: str) -> Path:
    """Another name, or with slashes another place; never over what is there."""
    target = path_inside(root, path.parent, name)
    if target == path:
        return path
    try:
        hostfiles.rename(path, target)
    except FileExistsError as error:
        raise taken(name) from error
    except OSError as error:
        raise _storage(f"{path.name} cannot become {name}", error) from error
    return target


def delete(path: Path) -> None:
    """A file, a link, or a folder with all that it holds. Denied and StorageError."""
    try:
        hostfiles.delete(path)
    except OSError as error:
        raise _storage(f"{path.name} cannot be deleted", error) from error


def _storage(message: str, error: OSError) -> StorageError:
    reason = (error.strerror or type(error).__name__).lower()
    return StorageError(f"{message}: {reason}.", "Check the permissions of the folder.")


def taken(name: str) -> Conflict:
    """The error for a name that something has already."""
    return Conflict(f"{name} is there already.", "Choose another name.")
