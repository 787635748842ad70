"""Notifications of the system about the content of folders."""

from __future__ import annotations

import contextlib
import errno
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Protocol

from codeexec.domain.errors import CodeexecError
from codeexec.environments.files import Folder
from codeexec.environments.watching.inotify import Subscription, get_inotify
from codeexec.environments.watching.notes import Noted, Notes, NotifierFailed

TELLS = sys.platform == "linux"
"""Whether a thread can sleep until the system tells of a change, or has to look now and then."""

MOST_AT_ONCE = 500
"""Folders of one notifier: watchfiles adds one in 20 µs, during which no other thread runs."""
_TICK = 1
"""Milliseconds that a look at what has come takes; it is all in memory by then."""


_NOTED = {1: Noted.ADDED, 2: Noted.CHANGED, 3: Noted.REMOVED}


class ChangeNotifier:
    """Watches some folders, each by itself and not what is below. Blocks: used in a thread."""

    def __init__(self, folder: Folder, paths: Iterable[str], news: threading.Event) -> None:
        """`paths` below the folder, MOST_AT_ONCE at most; those that are not there are left out.
        `news` is set when there is something to take, where `TELLS`. NotifierFailed: the system has
        no room for more."""
        try:
            self._notifications: _Notifications = (
                _subscribe(folder, paths, news) if TELLS else _Watchfiles(folder, paths)
            )
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


def _subscribe(folder: Folder, paths: Iterable[str], news: threading.Event) -> Subscription:
    """A folder is watched by its descriptor, so a link that took its place is never followed; its
    path would be. Only one is open at a time: hundreds of sessions may watch the same folders, and
    all look at them anew at the same moment. OSError."""
    subscription = get_inotify().subscribe(news)
    try:
        for path in paths:
            with _opened(folder, path) as handle:
                if handle is not None:
                    subscription.watch(f"/proc/self/fd/{handle}", path)
    except OSError:
        subscription.close()
        raise
    return subscription


@contextlib.contextmanager
def _opened(folder: Folder, path: str) -> Iterator[int | None]:
    """A descriptor of the folder; None where there is none. OSError: this process has no more."""
    with contextlib.ExitStack() as stack:
        handle: int | None = None
        try:
            handle = stack.enter_context(folder.listing(path))
        except CodeexecError:
            pass
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise
        yield handle


class _Watchfiles:
    """The same by the library watchfiles, for systems without inotify."""

    def __init__(self, folder: Folder, paths: Iterable[str]) -> None:
        # 15 ms, and 5 MB.
        from watchfiles._rust_notify import RustNotify

        self._paths: dict[str, str] = {}
        for path in paths:
            with _opened(folder, path) as handle:
                if handle is not None:
                    self._paths[str(folder.real / path)] = path
        self._notifications = RustNotify([*self._paths], False, False, 300, False, True)

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
