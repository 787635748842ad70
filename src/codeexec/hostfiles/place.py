"""Where a path leads: links are followed, except in folders that code in containers can change."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from codeexec.domain.errors import Denied
from codeexec.hostfiles.opening import not_plain, walk
from codeexec.hostfiles.shared import identities, shared_folders

MOST_LINKS = 40
"""Links on the way to one file, as in Linux."""


# No dataclass: a script is looked at before it starts, and what makes one takes 10 ms to load.
class Place(NamedTuple):
    """A path without links. `shared` is the outermost container-writable folder that it is in,
    None for a path outside of all; `crossed` are the folders whose links were followed."""

    real: Path
    shared: Path | None = None
    crossed: tuple[Path, ...] = ()

    @contextlib.contextmanager
    def parent(
        self, *, make: bool = False, on_made: Callable[[int], None] = lambda handle: None
    ) -> Iterator[int]:
        """A descriptor of the folder that the path is in; no link below `shared` is followed.

        With `make` missing folders are made, each passed to `on_made`. Raises OSError, Denied.
        """
        base = self.shared or self.real.parent
        if self.shared == self.real:
            base = self.real.parent
        if make and self.shared is None:
            base.mkdir(parents=True, exist_ok=True)
        with walk(base, self.real.parent.relative_to(base).parts, make, on_made) as handle:
            yield handle

    @contextlib.contextmanager
    def folder(self) -> Iterator[int]:
        """A descriptor of the folder that the path names, to list it; no link below `shared` is
        followed."""
        base = self.shared or self.real
        with walk(base, self.real.relative_to(base).parts, listing=True) as handle:
            yield handle


def locate(path: Path, changeable: frozenset[str] | None = None) -> Place:
    """Follow the links of `path`, which need not exist; blocks for a few lstat calls.

    `changeable` are the shared folders; by default their record is read again.
    Raises Denied for a link inside a shared folder, links that go round in a circle, and a NUL.
    """
    if "\0" in str(path):
        raise Denied(f"{str(path)!r} is no name of a file.", "Check the name.")
    shared_names = shared_folders() if changeable is None else changeable
    shared_ids = identities(shared_names)
    # Not os.path.abspath: that takes `link/..` for the folder of the link.
    pending = list(reversed((path if path.is_absolute() else Path.cwd() / path).parts))
    real = Path("/")
    shared: Path | None = None
    crossed: list[Path] = []
    while pending:
        part = pending.pop()
        if part.startswith("/"):  # the root, which POSIX also writes as `//`
            real, shared = Path("/"), None
            continue
        if part == "..":
            real = real.parent
            shared = shared if shared is not None and real.is_relative_to(shared) else None
            continue
        entry = real / part
        try:
            info = entry.lstat()
        except OSError:
            info = None  # not there, or not for us to see: whoever opens it says so
        if info is not None and stat.S_ISLNK(info.st_mode):
            if shared is not None:
                is_last = not pending
                raise not_plain(path, f"{'' if is_last else 'reached over '}a symbolic link")
            crossed.append(real)
            if len(crossed) > MOST_LINKS:
                raise Denied(f"{str(path)!r} leads in a circle of links.", "Remove one of them.")
            try:
                pending.extend(reversed(entry.readlink().parts))
            except OSError:
                real = entry  # a link of /proc that is not for us: so is what it points at
            continue
        real = entry
        if shared is None and (
            str(entry) in shared_names
            or (info is not None and (info.st_dev, info.st_ino) in shared_ids)
        ):
            shared = entry
    return Place(real, shared, tuple(crossed))


def locate_entry(path: Path) -> Place:
    """`locate` for a name in a folder: a link of that name is not followed, but is the entry."""
    folder = locate(path.parent)
    return Place(folder.real / path.name, folder.shared, folder.crossed)


def same_place(path: Path, expected: Path | None) -> Place:
    """`locate(path)`; Denied when it leads elsewhere than `expected`, where it led at first."""
    place = locate(path)
    if expected is not None and place.real != expected:
        raise not_plain(path, "now a link, or reached over one, and was not when it was opened")
    return place
