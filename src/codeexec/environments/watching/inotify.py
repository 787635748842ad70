"""Notifications of Linux about the content of folders: one descriptor and one thread for all.

The binding is our own: watchfiles takes a descriptor for each set of folders, of which a user has
128, and inotify_simple starts a program (ldconfig) to find the C library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import struct
import threading
import time
from collections.abc import Iterator

from codeexec.environments.watching.notes import Noted, Notes, NotifierFailed

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_OVERFLOW, _IGNORED, _ONLY_FOLDERS = 0x4000, 0x8000, 0x1000000
_CHANGED = _MODIFY | _ATTRIB | _CLOSE_WRITE
_ADDED = _MOVED_TO | _CREATE
_REMOVED = _MOVED_FROM | _DELETE
_SELF = _DELETE_SELF | _MOVE_SELF
_MASK = _CHANGED | _ADDED | _REMOVED | _SELF | _ONLY_FOLDERS

_HEAD = struct.Struct("iIII")
"""Of an event: watch, mask, cookie, and the length of the name that follows."""
_BUFFER = 1 << 16
_PAUSE = 0.01
"""Seconds between two reads. The system merges what it tells several times meanwhile."""
_MOST_NOTES = 200_000
"""Names that wait for one subscriber. Where there are more, notes are lost, and it is told so."""


class Subscription:
    """What the system has told of some folders since it was last taken."""

    def __init__(self, inotify: Inotify, news: threading.Event) -> None:
        self.watches: list[int] = []
        self._inotify = inotify
        self._news = news
        self._lock = threading.Lock()
        self._notes: Notes = {}
        self._problem = ""

    def take(self, notes: Notes) -> bool:
        """Add what was told since the last call; returns whether anything was. NotifierFailed."""
        with self._lock:
            told, self._notes = self._notes, {}
            problem = self._problem
        for key, noted in told.items():
            notes[key] = notes.get(key, Noted(0)) | noted
        if problem:
            raise NotifierFailed(problem)
        return bool(told)

    def watch(self, place: str, name: str) -> None:
        """Watch one more folder, not what is below. `place` is the path by which the system finds
        it, `name` is how notes call it. OSError: the system has no room for more."""
        self._inotify.watch(self, place, name)

    def close(self) -> None:
        self._inotify.remove(self)

    def add(self, path: str, name: str, noted: Noted) -> None:
        """The system tells something of this name in the folder `path`."""
        with self._lock:
            key = (path, name)
            self._notes[key] = self._notes.get(key, Noted(0)) | noted
            if len(self._notes) > _MOST_NOTES:
                self._notes, self._problem = {}, "too many files change at once"
        self._news.set()

    def fail(self, problem: str) -> None:
        """The system has lost notifications."""
        with self._lock:
            self._problem = problem
        self._news.set()


class Inotify:
    """The descriptor of this process, and the thread that reads it. The thread sleeps while nothing
    happens, so a hundred sessions cost no more than one."""

    def __init__(self) -> None:
        """OSError."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._handle = self._call("inotify_init1", os.O_CLOEXEC | os.O_NONBLOCK)
        self._lock = threading.Lock()
        self._watches: dict[int, list[tuple[Subscription, str]]] = {}
        """The system has one watch of a folder, however often it is added."""
        threading.Thread(target=self._run, name="inotify", daemon=True).start()

    def subscribe(self, news: threading.Event) -> Subscription:
        """It watches nothing yet. `news` is set whenever there is something to take."""
        return Subscription(self, news)

    def watch(self, subscription: Subscription, place: str, name: str) -> None:
        """OSError."""
        with self._lock, contextlib.suppress(FileNotFoundError, NotADirectoryError):
            watch = self._call("inotify_add_watch", self._handle, place.encode(), _MASK)
            self._watches.setdefault(watch, []).append((subscription, name))
            subscription.watches.append(watch)

    def remove(self, subscription: Subscription) -> None:
        with self._lock:
            for watch in subscription.watches:
                entries = self._watches.get(watch, [])
                others = [entry for entry in entries if entry[0] is not subscription]
                if others:
                    self._watches[watch] = others
                elif self._watches.pop(watch, None) is not None:
                    with contextlib.suppress(OSError):  # the folder has just gone
                        self._call("inotify_rm_watch", self._handle, watch)
            subscription.watches.clear()

    def _call(self, function: str, *arguments: int | bytes) -> int:
        result = int(getattr(self._libc, function)(*arguments))
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return result

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        while True:
            poll.poll()
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._tell(os.read(self._handle, _BUFFER))
            time.sleep(_PAUSE)

    def _tell(self, data: bytes) -> None:
        with self._lock:
            for watch, mask, name in _events(data):
                if mask & _OVERFLOW:
                    for entries in self._watches.values():
                        for subscription, _ in entries:
                            subscription.fail("more files change than the system can tell of")
                elif mask & _IGNORED:
                    self._watches.pop(watch, None)
                elif name or mask & _SELF:  # else the folder's own attributes have changed
                    for subscription, path in self._watches.get(watch, ()):
                        subscription.add(path, os.fsdecode(name), _noted(mask))


def _events(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The watch, mask and name of each event."""
    start = 0
    while start < len(data):
        watch, mask, _, size = _HEAD.unpack_from(data, start)
        start += _HEAD.size + size
        yield watch, mask, data[start - size : start].rstrip(b"\0")


def _noted(mask: int) -> Noted:
    if mask & _ADDED:
        return Noted.ADDED
    return Noted.REMOVED if mask & (_REMOVED | _SELF) else Noted.CHANGED


_shared: list[Inotify] = []
_making = threading.Lock()


def get_inotify() -> Inotify:
    """That of this process. OSError: the system has no more."""
    with _making:
        if not _shared:
            _shared.append(Inotify())
        return _shared[0]
