"""Which file of this machine a frame of a traceback names."""

from __future__ import annotations

import os
from pathlib import Path

from codeexec.domain.snapshot import Snapshot


def source_path(path: str, snapshot: Snapshot | None) -> Path | None:
    """The file of this machine that a traceback names; None when it is one of another place.

    A compiler names files as seen from the session's folder. Code in a container chooses the path:
    outside of that folder, which both have under the same name, it means nothing here.
    """
    if snapshot is None or "host_paths" in snapshot.kernel.capabilities:
        base = snapshot.cwd if snapshot is not None else ""
        return Path(base, Path(path).expanduser())
    inside = Path(os.path.normpath(Path(snapshot.cwd, path)))
    return inside if inside.is_relative_to(snapshot.cwd) else None
