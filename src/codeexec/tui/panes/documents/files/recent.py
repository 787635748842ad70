"""Recently opened files, shared by all workbenches of a user."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import msgspec

from codeexec.documents.files import write_atomic
from codeexec.domain.errors import StorageError
from codeexec.domain.plain_files import read_plain

MOST = 60


class RecentFiles:
    """Recent files, newest first. A file that cannot be read or written is ignored."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def paths(self) -> list[Path]:
        """Those that are still there."""
        return [Path(name) for name in self._read() if Path(name).is_file()]

    def add(self, path: Path, former: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Add an opened file; returns the name it had before it was saved under this one."""
        entries_by_path = self._read()
        earlier = entries_by_path.pop(str(path), ())
        updated = {str(path): former or earlier, **entries_by_path}
        entries = [[name, *names] for name, names in list(updated.items())[:MOST]]
        with suppress(StorageError):  # a full disk is told by what matters more
            write_atomic(self._file, json.dumps(entries).encode())
        return former or earlier

    def _read(self) -> dict[str, tuple[str, ...]]:
        try:
            rows = msgspec.json.decode(read_plain(self._file), type=list[tuple[str, ...]])
        except (OSError, msgspec.DecodeError, RecursionError):
            return {}
        return {name: tuple(names) for name, *names in filter(None, rows)}
