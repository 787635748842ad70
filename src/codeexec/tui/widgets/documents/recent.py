"""Files that were open lately, kept in one small file for all workbenches of a user."""

from __future__ import annotations

import json
from pathlib import Path

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError

MOST = 60


class RecentFiles:
    """Newest first; what cannot be read or written is no reason to disturb anybody."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def paths(self) -> list[Path]:
        """Those that are still there."""
        return [path for path in self._read() if path.is_file()]

    def add(self, path: Path) -> None:
        """It is open now."""
        paths = [path, *(other for other in self._read() if other != path)][:MOST]
        try:
            write_atomic(self._file, json.dumps([str(path) for path in paths]).encode())
        except StorageError:
            return  # a full disk is told by what matters more

    def _read(self) -> list[Path]:
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return []
        return [Path(path) for path in found if isinstance(path, str)]
