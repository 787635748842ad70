"""Where the folders of a user's sessions are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from codeexec.hostfiles.state import USER_PREFIX, WORKSPACES


def user_folder(state: Path, owner: str | None) -> Path:
    """The folder that holds those of a user's sessions; it may not exist. None: of the operator of
    the server."""
    root = state / WORKSPACES
    if owner is None:
        return root
    # A subject may hold any character; its digest is a plain name.
    return root / f"{USER_PREFIX}{hashlib.sha256(owner.encode()).hexdigest()[:20]}"
