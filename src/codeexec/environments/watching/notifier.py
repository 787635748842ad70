"""Notifications of the system about the content of folders."""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Protocol

from codeexec.domain.errors import CodeexecError
from codeexec.environments.files import Folder
from codeexec.environments.watching.inotify import get_inotify
from codeexec.environments.watching.notes import Noted, Notes, NotifierFailed

TELLS = sys.platform == "linux"
"""Whether a thread can sleep until the system tells of a change, or has to look now and then."""

MOST_AT_ONCE = 500
"""Folders of one notifier: adding them takes 20 µs each, during which no other thread runs."""
_SHARE_OF_FILES = 8
"""Of the files that the process may have open, one in so many is used while folders are added."""
_TICK = 1
"""Milliseconds that a look at what has come takes; it is all in memory by then."""


_NOTED = {1: Noted.ADDED, 2: Noted.CHANGED, 3: Noted.REMOVED}


class ChangeNotifier:
    """Watches some folders, each by itself and not what is below. Blocks: used in a thread.

    A folder is watched by its descriptor where the system has names for these, so a link that took
    its place is never followed; its path would be.
    """

    def __init__(self, folder: Folder, paths: Iterable[str], news: threading.Event) -> None:
        """`paths` below the folder, MOST_AT_ONCE at most; those that are not there are left out.
        `news` is set when there is something to take, where `TELLS`. NotifierFailed: the system has
        no room for more."""
        self._paths: dict[str, str] = {}
        with contextlib.ExitStack() as stack:
            for path in paths:
                try:
                    handle = stack.enter_context(folder.listing(path))
                except (OSError, CodeexecError):
                    continue
                self._paths[f"/proc/self/fd/{handle}" if TELLS else str(folder.real / path)] = path
            try:
                self._notifications = _subscribe(self._paths, news)
            except (OSError, RuntimeError) as error:
                raise NotifierFailed(str(error)) from error

    def take(self, notes: Notes) -> bool:
        """Add what has been told since the last call; returns whether anything was.
        NotifierFailed."""
        return self._notifications.take(notes)

    def close(self) -> None:
        self._notifications.close()


class _Notifications(Protocol):
    def take(self, notes: Notes) -> bool: ...

    def close(self) -> None: ...


def _subscribe(paths: Mapping[str, str], news: threading.Event) -> _Notifications:
    return get_inotify().subscribe(paths, news) if TELLS else _Watchfiles(paths)


class _Watchfiles:
    """The same by the library watchfiles, for systems without inotify."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        # 15 ms, and 5 MB.
        from watchfiles._rust_notify import RustNotify

        self._paths = paths
        self._notifications = RustNotify([*paths], False, False, 300, False, True)

    def take(self, notes: Notes) -> bool:
        try:
            told = self._notifications.watch(_TICK, _TICK, _TICK, None)
        except RuntimeError as error:
            raise NotifierFailed(str(error)) from error  # also for a name that is no UTF-8
        if isinstance(told, str):
            return False
        for kind, place in told:
            parent, _, name = place.rpartition("/")
            path = self._paths.get(parent)
            if path is not None:
                key = (path, name)
                notes[key] = notes.get(key, Noted(0)) | _NOTED[kind]
            if place in self._paths and _NOTED[kind] is Noted.REMOVED:
                notes[self._paths[place], ""] = Noted.REMOVED
        return True

    def close(self) -> None:
        self._notifications.close()


def at_once() -> int:
    """Folders that a notifier may have here: each is open while it is added."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_AT_ONCE
    return max(min(MOST_AT_ONCE, soft // _SHARE_OF_FILES), 1)
