"""Notifications of the system about the content of folders, by the library watchfiles."""

from __future__ import annotations

import contextlib
import resource
import sys
from collections.abc import Iterable
from enum import IntFlag

from codeexec.domain.errors import CodeexecError
from codeexec.environments.files import Folder

MOST_AT_ONCE = 500
"""Folders of one notifier: adding them takes 20 µs each, during which no other thread runs."""
_SHARE_OF_FILES = 8
"""Of the files that the process may have open, one in so many is used while folders are added."""
_TICK = 1
"""Milliseconds that a look at what has come takes; it is all in memory by then."""


class Noted(IntFlag):
    """What the system has told of a name since the last look. It says nothing about order."""

    ADDED = 1
    CHANGED = 2
    REMOVED = 4


_NOTED = {1: Noted.ADDED, 2: Noted.CHANGED, 3: Noted.REMOVED}

Notes = dict[tuple[str, str], Noted]
"""By folder (its path below the root) and name. An empty name: the folder itself was removed, or
moved away."""


class NotifierFailed(Exception):
    """Notifications have been lost, as of a name that is no UTF-8, or no more can be had."""


class ChangeNotifier:
    """Watches some folders, each by itself and not what is below. Blocks: used in a thread.

    A folder is watched by its descriptor where the system has names for these, so a link that took
    its place is never followed; its path would be.
    """

    def __init__(self, folder: Folder, paths: Iterable[str]) -> None:
        """`paths` below the folder, MOST_AT_ONCE at most; those that are not there are left out.
        NotifierFailed: the system has no room for more."""
        # 15 ms, and 5 MB.
        from watchfiles._rust_notify import RustNotify

        self._paths: dict[str, str] = {}
        with contextlib.ExitStack() as stack:
            for path in paths:
                try:
                    handle = stack.enter_context(folder.listing(path))
                except (OSError, CodeexecError):
                    continue
                name = str(folder.real / path)
                self._paths[f"/proc/self/fd/{handle}" if sys.platform == "linux" else name] = path
            try:
                self._notifications = RustNotify([*self._paths], False, False, 300, False, True)
            except (OSError, RuntimeError) as error:
                raise NotifierFailed(str(error)) from error

    def take(self, notes: Notes) -> bool:
        """Add what has been told since the last call; returns whether anything was.
        NotifierFailed."""
        try:
            told = self._notifications.watch(_TICK, _TICK, _TICK, None)
        except RuntimeError as error:
            raise NotifierFailed(str(error)) from error
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
