"""Works out what has changed below a folder, in a thread of its own.

The system's notifications say where to look; what is there is looked at without following links.
Folders that .gitignore files hide, or whose name begins with a dot (a home folder has caches of
all programs there), are not watched at all where that is asked for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from codeexec.domain.errors import CodeexecError
from codeexec.environments.base import Change, FileChange
from codeexec.environments.budget import Pace
from codeexec.environments.files import MOST_ENTRIES, Folder
from codeexec.environments.watching.known import KnownNames, number_of
from codeexec.environments.watching.notes import Noted, Notes, NotifierFailed
from codeexec.environments.watching.notifier import MOST_AT_ONCE, TELLS, ChangeNotifier
from codeexec.hostfiles.ignored import Ignored

log = logging.getLogger(__name__)

MOST_FOLDERS = 4000
"""Folders that are watched, those near the top first."""
MOST_DEPTH = 100
"""Levels of folders below the top; each costs more to look at than the one above it."""
MOST_CHANGES = 1000
"""Paths of one batch. What changed beside them is told as a change of the top, `.`."""
MOST_NOTIFIERS = 12
"""Above so many all begin anew, as few."""
IDLE_TICK = 0.25
"""Seconds between looks at what the system has noted, where it cannot wake a thread."""
BUSY_TICK = 0.05
QUIET = 0.2
"""Seconds without a change that end a batch."""
LONGEST = 1.0
LONGEST_FLOOD = 5.0
"""Seconds that a batch takes at most, and one of more than MOST_CHANGES."""
LOOK_EVERY = 5.0
"""Seconds between looks whether the top is the same folder still."""
MEND_EVERY = 5.0
"""Seconds between attempts to watch again what could not be watched."""
MEND_SHARE = 20
"""Of the time at most one in so many seconds is taken by these attempts."""
TOP = PurePosixPath(".")

Report = Callable[[tuple[FileChange, ...]], None]


class FolderWatch:
    """`run` in a thread, until `end` is called."""

    def __init__(
        self, folder: Folder, top: str, *, hide_ignored: bool, interval: float, report: Report
    ) -> None:
        """`top` is the path below the folder from which on is watched. `report` is called in the
        thread with each batch, whose paths are below the folder; first with an empty one, when all
        is watched."""
        self._stop = threading.Event()
        self._news = threading.Event()
        self._folder = folder
        self._top = top
        self._hide_ignored = hide_ignored
        self._quiet = min(QUIET, interval)
        self._report = report
        self._pace = Pace()
        self._rules: Ignored | None = None
        self._numbers = 0
        self._folders: dict[str, int] = {}
        """Watched folders by path, each with a number of its own."""
        self._known = KnownNames()
        self._notifiers: list[ChangeNotifier] = []
        self._identity: tuple[int, int] | None = None
        """Of the folder that is watched at the top."""
        self._look_at = self._mend_at = 0.0
        self._is_broken = False

    def end(self) -> None:
        """From any thread; `run` returns soon."""
        self._stop.set()
        self._news.set()

    def run(self) -> None:
        """NotifierFailed: the system cannot notify here."""
        try:
            self._rules = self._read_rules()
            self._begin()
            self._report(())
            while not self._stop.is_set():
                self._news.wait(LOOK_EVERY if TELLS else IDLE_TICK)
                self._news.clear()
                notes: Notes = {}
                if self._take(notes):
                    self._gather(notes)
                    self._report(self._resolve(notes))
                now = time.monotonic()
                if now > self._look_at:
                    self._look_at = now + LOOK_EVERY
                    self._is_broken |= not self._is_same()
                if self._is_broken and now > self._mend_at:
                    self._mend()
        finally:
            for notifier in self._notifiers:
                notifier.close()

    # -- what is watched -----------------------------------------------------------------

    def _begin(self) -> None:
        """Find all folders, watch them, then look at what is in them: what comes meanwhile is
        noted or seen."""
        self._identity = self._find_identity()
        found = deque([self._top])
        paths: list[str] = []
        while found and len(paths) < MOST_FOLDERS and not self._stop.is_set():
            path = found.popleft()
            paths.append(path)
            found.extend(_join(path, name) for name, is_folder in self._inside(path) if is_folder)
        self._watch(paths)
        missed = []
        for path in paths:
            for name, is_folder in self._inside(path):
                if is_folder:
                    if _join(path, name) not in self._folders:
                        missed.append(_join(path, name))
                elif self._known.first_names < MOST_ENTRIES:
                    self._known.add_first(self._number(path, name))
        for path in missed:
            self._take_in(path)
        if len(self._folders) >= MOST_FOLDERS:
            log.info("%s: only %d folders are watched", self._folder.root, MOST_FOLDERS)

    def _watch(self, paths: list[str]) -> None:
        self._add_notifiers(paths)
        for path in paths:
            self._numbers += 1
            self._folders[path] = self._numbers

    def _add_notifiers(self, paths: list[str]) -> None:
        for start in range(0, len(paths), MOST_AT_ONCE):
            some = paths[start : start + MOST_AT_ONCE]
            self._notifiers.append(ChangeNotifier(self._folder, some, self._news))

    def _take_in(self, top: str) -> list[FileChange]:
        """Watch a folder that is new here, with all below; returns all as created."""
        changes: list[FileChange] = []
        pending = [top]
        while pending and len(self._folders) < MOST_FOLDERS:
            level, pending = pending[: MOST_FOLDERS - len(self._folders)], []
            self._watch(level)
            for path in level:
                changes.append(FileChange(Change.CREATED, PurePosixPath(path), True))
                hides = self._hides(path)
                for name, is_folder in self._inside(path):
                    below = _join(path, name)
                    if is_folder and below not in self._folders:
                        pending.append(below)
                    elif not is_folder:
                        self._known.add(self._number(path, name))
                        if not hides(name, False):
                            changes.append(FileChange(Change.CREATED, PurePosixPath(below)))
        if len(self._notifiers) > MOST_NOTIFIERS:
            self._renew()
        return changes

    def _renew(self) -> None:
        """The new ones watch before the old ones end, so nothing is missed."""
        old, self._notifiers = self._notifiers, []
        self._add_notifiers([*self._folders])
        for notifier in old:
            notifier.close()

    def _mend(self) -> None:
        """Begin anew. What changed meanwhile is not known."""
        started = time.monotonic()
        for notifier in self._notifiers:
            notifier.close()
        self._notifiers, self._folders, self._known = [], {}, KnownNames()
        self._rules = self._read_rules()
        try:
            self._begin()
            self._is_broken = False
            self._report((FileChange(Change.MODIFIED, TOP),))
        except NotifierFailed as error:
            log.info("%s is not watched: %s", self._folder.root, error)
            self._is_broken = True
        now = time.monotonic()
        self._mend_at = now + max(MEND_EVERY, (now - started) * MEND_SHARE)

    def _find_identity(self) -> tuple[int, int] | None:
        """Device and inode of the folder at the top; None where there is none."""
        try:
            with self._folder.listing(self._top) as handle:
                info = os.fstat(handle)
        except (OSError, CodeexecError):
            return None
        return info.st_dev, info.st_ino

    def _is_same(self) -> bool:
        """Whether the folder at the top is the one that is watched. Most often its path says so at
        once; where it does not, the folder is looked for without following links."""
        with contextlib.suppress(OSError):
            info = os.lstat(self._folder.real / self._top)
            if (info.st_dev, info.st_ino) == self._identity:
                return True
        return self._find_identity() == self._identity

    def _number(self, path: str, name: str) -> int:
        return number_of(self._folders.get(path, 0), name)

    def _inside(self, path: str) -> Iterator[tuple[str, bool]]:
        """Names in a folder, each with whether it is a folder; without hidden folders, and those
        that are too deep."""
        hides = self._hides(path)
        is_deepest = self._is_deepest(path)
        try:
            with self._folder.listing(path) as handle, os.scandir(handle) as entries:
                for entry in entries:
                    self._pace.step()
                    try:
                        is_folder = entry.is_dir(follow_symlinks=False)
                    except OSError:
                        continue
                    if not is_folder or not (is_deepest or hides(entry.name, True)):
                        yield entry.name, is_folder
        except (OSError, CodeexecError):
            return

    def _is_deepest(self, path: str) -> bool:
        """Whether folders in this one are not watched."""
        return path.count("/") - self._top.count("/") >= MOST_DEPTH

    def _read_rules(self) -> Ignored | None:
        return Ignored(self._folder.real) if self._hide_ignored else None

    def _hides(self, path: str) -> Callable[[str, bool], bool]:
        if self._rules is None:
            return lambda name, is_folder: False
        is_hidden = self._rules.inside(self._folder.real / path)
        return lambda name, is_folder: (
            (is_folder and name.startswith(".")) or is_hidden(name, is_folder)
        )

    # -- what has changed ----------------------------------------------------------------

    def _take(self, notes: Notes) -> bool:
        has_news = False
        for notifier in list(self._notifiers):
            try:
                has_news |= notifier.take(notes)
            except NotifierFailed as error:
                log.info("notifications of %s were lost: %s", self._folder.root, error)
                self._notifiers.remove(notifier)
                notifier.close()
                self._is_broken = True
        if notes.pop((self._top, ""), None):
            # Another one that is made in its place may have its inode.
            self._is_broken = True
        return has_news

    def _gather(self, notes: Notes) -> None:
        """Add what comes until it is quiet, within limits."""
        started = quiet_since = time.monotonic()
        while not self._stop.wait(BUSY_TICK):
            now = time.monotonic()
            if self._take(notes):
                quiet_since = now
            longest = LONGEST_FLOOD if len(notes) > MOST_CHANGES else LONGEST
            if now - quiet_since >= self._quiet or now - started >= longest:
                return

    def _resolve(self, notes: Notes) -> tuple[FileChange, ...]:
        """Look at what is there now of all that was noted."""
        by_folder: dict[str, dict[str, Noted]] = {}
        for (path, name), noted in notes.items():
            by_folder.setdefault(path, {})[name] = noted
        changes: list[FileChange] = []
        # Those above first: what is below a folder that is gone was forgotten with it.
        for path in sorted(by_folder):
            names = by_folder[path]
            names.pop("", None)
            if self._hide_ignored and ".gitignore" in names:
                self._rules = self._read_rules()
                self._find_shown(path)
            changes += self._resolve_folder(path, names)
        if len(changes) > MOST_CHANGES:
            return (*changes[:MOST_CHANGES], FileChange(Change.MODIFIED, TOP))
        return tuple(changes)

    def _resolve_folder(self, path: str, names: dict[str, Noted]) -> Iterator[FileChange]:
        if path not in self._folders:
            return
        hides = self._hides(path)
        for name, info in self._looked_at(path, names):
            self._pace.step()
            below = _join(path, name)
            is_folder = stat.S_ISDIR(info.st_mode) if info is not None else below in self._folders
            if hides(name, is_folder) or (is_folder and self._is_deepest(path)):
                continue
            if is_folder:
                yield from self._resolve_subfolder(below, names[name], is_there=info is not None)
                continue
            number = self._number(path, name)
            if info is None:
                if number in self._known:
                    self._known.discard(number)
                    yield FileChange(Change.REMOVED, PurePosixPath(below))
                continue
            if below in self._folders:
                self._forget(below)
                yield FileChange(Change.REMOVED, PurePosixPath(below), True)
            change = Change.MODIFIED if number in self._known else Change.CREATED
            self._known.add(number)
            yield FileChange(change, PurePosixPath(below))

    def _looked_at(
        self, path: str, names: dict[str, Noted]
    ) -> Iterator[tuple[str, os.stat_result | None]]:
        """Each name with its lstat; None where it is gone."""
        try:
            with self._folder.listing(path) as handle:
                for name in sorted(names):
                    try:
                        yield name, os.stat(name, dir_fd=handle, follow_symlinks=False)
                    except OSError:
                        yield name, None
        except (OSError, CodeexecError):
            for name in sorted(names):
                yield name, None

    def _resolve_subfolder(
        self, path: str, noted: Noted, *, is_there: bool
    ) -> Iterator[FileChange]:
        is_new = path not in self._folders
        if not is_new and (not is_there or noted & (Noted.ADDED | Noted.REMOVED)):
            self._forget(path)
            if not is_there or noted & Noted.REMOVED:
                yield FileChange(Change.REMOVED, PurePosixPath(path), True)
            is_new = True
        if is_there and is_new:
            try:
                yield from self._take_in(path)
            except NotifierFailed as error:
                log.info("%s is not watched: %s", path, error)
                self._is_broken = True

    def _forget(self, path: str) -> None:
        """A folder is gone, with all below it; its number is not used again, so its names are
        forgotten as well."""
        prefix = f"{path}/"
        for each in [each for each in self._folders if each == path or each.startswith(prefix)]:
            del self._folders[each]

    def _find_shown(self, top: str) -> None:
        """Rules have changed: watch the folders below that are not hidden any more."""
        prefix = f"{top}/" if top else ""
        for path in [each for each in self._folders if each == top or each.startswith(prefix)]:
            for name, is_folder in self._inside(path):
                if is_folder and _join(path, name) not in self._folders:
                    self._take_in(_join(path, name))


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
