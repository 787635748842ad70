"""Paths as clients of the service name them: all lie in the session's folder."""

from __future__ import annotations

from pathlib import PurePosixPath

from codeexec.domain.errors import UsageError
from codeexec.environments.paths import inside

_WORKSPACE = "workspace"


def workspace_path(path: str, root: str) -> str:
    """`/src/main.py`, `/workspace/src/main.py`, `src/main.py` and the real path in `root` are all
    `src/main.py`; the folder itself is empty. Denied where a path leads out, UsageError where it
    cannot be one."""
    if "\0" in path or len(path) > 4096:
        raise UsageError("This is no path.", "Give the path of a file in the session's folder.")
    spelled = PurePosixPath(path)
    if spelled.is_absolute():
        if spelled.is_relative_to(root):
            spelled = spelled.relative_to(root)
        else:
            spelled = PurePosixPath(*spelled.parts[1:])
            if spelled.parts[:1] == (_WORKSPACE,):
                spelled = PurePosixPath(*spelled.parts[1:])
    return "/".join(inside(PurePosixPath(root), spelled))


def file_path(path: str, root: str) -> str:
    """The same, of something in the folder. UsageError for the folder itself."""
    relative = workspace_path(path, root)
    if not relative:
        raise UsageError(f"{path[:100]!r} names no file.", "Give the path of a file.")
    return relative
