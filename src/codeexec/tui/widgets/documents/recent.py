"""Files that were open lately, kept in one small file for all workbenches of a user."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError

MOST = 60


class RecentFiles:
    """Newest first; what cannot be read or written is no reason to disturb anybody."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def paths(self) -> list[Path]:
        """Those that are still there."""
        return [Path(name) for name in self._read() if Path(name).is_file()]

    def former(self, path: Path) -> tuple[str, ...]:
        """What it was called before it was saved under this name."""
        return self._read().get(str(path), ())

    def add(self, path: Path, former: tuple[str, ...] = ()) -> None:
        """It is open now."""
        known = self._read()
        before = known.pop(str(path), ())
        kept = {str(path): former or before, **known}
        entries = [[name, *names] for name, names in list(kept.items())[:MOST]]
        try:
            write_atomic(self._file, json.dumps(entries).encode())
        except StorageError:
            return  # a full disk is told by what matters more

    def _read(self) -> dict[str, tuple[str, ...]]:
        try:
            found = msgspec.json.decode(self._file.read_bytes(), type=list[tuple[str, ...]])
        except (OSError, msgspec.DecodeError):
            return {}
        return {name: tuple(names) for name, *names in filter(None, found)}
