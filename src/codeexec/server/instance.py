"""The one server of a user: a lock that only one process can hold, and the private socket.

The lock lies in the state folder, not beside the socket: when the last login of a user ends,
systemd removes XDG_RUNTIME_DIR with the socket in it while we live on. The lock then still
keeps a second server away, and we put the socket back (`restore`).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path

from codeexec.config.paths import Paths, make_private
from codeexec.domain.errors import StorageError


class Instance:
    """Held from `claim` to `release`, and by the death of the process."""

    def __init__(self, paths: Paths, lock: int) -> None:
        self._paths = paths
        self._lock = lock
        self._bound: tuple[int, int] | None = None

    @classmethod
    def claim(cls, paths: Paths) -> Instance | None:
        """The lock, or None when another server has it. StorageError when there is no place
        for it."""
        make_private(paths.state)
        try:
            lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"{paths.lock} cannot be opened: {error.strerror or error}.",
                "Make it writable for you, or set XDG_STATE_HOME to another folder.",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        except OSError as error:
            os.close(lock)
            raise StorageError(
                f"{paths.lock} cannot be locked: {error.strerror or error}.",
                "Set XDG_STATE_HOME to a folder on a disk that has locks.",
            ) from error
        instance = cls(paths, lock)
        try:
            instance._write(json.dumps({"pid": os.getpid(), "socket": str(paths.socket)}))
        except OSError as error:
            os.close(lock)
            raise StorageError(
                f"{paths.lock} cannot be written: {error.strerror or error}.",
                "Free some space there, or set XDG_STATE_HOME to another folder.",
            ) from error
        return instance

    @property
    def lock_path(self) -> Path:
        return self._paths.lock

    def bind(self) -> socket.socket:
        """The socket, listening, mode 0600. A left-over socket is removed: we
        hold the lock, so no other server listens on it."""
        path = self._paths.socket
        make_private(path.parent)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            listening.bind(str(path))
            path.chmod(0o600)
            listening.listen(128)
            listening.setblocking(False)
            self._bound = _identity(path)
        except OSError as error:
            listening.close()
            raise StorageError(
                f"The socket {path} cannot be made: {error.strerror or error}.",
                "Set XDG_RUNTIME_DIR to a folder of your own on a local disk.",
            ) from error
        return listening

    @property
    def is_intact(self) -> bool:
        """The lock in the file system is still ours: else another server may have started in a
        state folder that was removed, or replaced."""
        held = os.fstat(self._lock)
        return _identity(self._paths.lock) == (held.st_dev, held.st_ino)

    @property
    def is_bound(self) -> bool:
        """The socket in the file system is still ours."""
        return self._bound is not None and _identity(self._paths.socket) == self._bound

    def release(self) -> None:
        """Remove the socket when it is ours, and let the next one in."""
        if self.is_bound:
            self._paths.socket.unlink(missing_ok=True)
        self._write("")
        os.close(self._lock)

    def _write(self, text: str) -> None:
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, text.encode(), 0)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_dev, info.st_ino
