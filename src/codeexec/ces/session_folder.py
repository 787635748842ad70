"""The folder of a session: its two parts, checked and made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.errors import StorageError, UsageError

NOBODY = 65534
"""The user of code in containers whose folder belongs to root."""


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """`ces` holds connection files and logs, `cwd` is the working folder of the code, where
    artifacts are. Both are absolute."""

    path: Path
    ces: Path
    cwd: Path


def check_session_id(session_id: str) -> None:
    """UsageError when the id cannot be the name of a folder."""
    is_name = bool(session_id) and session_id not in (".", "..") and len(session_id) <= 100
    if not is_name or not session_id.isprintable() or "/" in session_id:
        raise UsageError(
            f"This is no id of a session: {session_id[:40]!a}.",
            "Choose up to 100 printable characters without a slash.",
        )


def make_session_folder(
    path: Path, cwd: Path | None = None, *, for_container: bool = False
) -> SessionFolder:
    """Make what is missing of a session's folder. StorageError, UsageError.

    Code in a container never runs as root: what root makes here `for_container` is given to the
    user that it runs as."""
    path = path.absolute()
    folder = SessionFolder(path, path / "ces", (cwd or path / "cwd").absolute())
    for part in (folder.ces, folder.cwd):
        try:
            is_new = not part.exists()
            part.mkdir(parents=True, exist_ok=True)
            if for_container and is_new and os.geteuid() == 0:
                os.chown(part, NOBODY, NOBODY)
        except FileExistsError as error:
            raise UsageError(f"{part} is a file.", "Name a folder, or remove the file.") from error
        except OSError as error:
            raise StorageError(
                f"The folder {part} cannot be made: {error.strerror}.",
                "Name another folder as session_dir or env_dir.",
            ) from error
    return folder
