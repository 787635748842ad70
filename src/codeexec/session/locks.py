"""A lock on a file that is open for writing; it ends with its process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from codeexec.domain.errors import Conflict, StorageError


class FileLock:
    """Held from construction until `close`; Conflict when another process holds it."""

    def __init__(self, path: Path, title: str) -> None:
        try:
            self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be opened: {error.strerror}.",
                "Make its folder writable for you, or set XDG_STATE_HOME to another one.",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise Conflict(
                f"{title} is open in another process.",
                "Attach to it: codeexec-tui attach",
            ) from error

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
