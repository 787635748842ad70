"""Names in very large folders: read again only when the folder changed, sorted in slices."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

SETTLED = 2_000_000_000
"""Nanoseconds after its last change from which a folder's time tells its states apart: some file
systems count time in steps of two seconds."""

FEW_NAMES = 2000
"""As many names are read again each time: that is quick, and trusts no file system's times."""

_SLICE = 2000
"""Rows that are sorted at once: one call of `sort` holds the interpreter's lock to its end."""

_Key = tuple[int, int, int, int]


class WantedNames:
    """The wanted names of one folder.

    The names of a large folder are remembered as long as its change time stays the same: then no
    name was added, removed or changed.
    """

    def __init__(self) -> None:
        self._key: _Key | None = None
        self._names: list[str] = []

    def each(
        self, folder: int, wanted: Callable[[str], bool], on_entry: Callable[[], None]
    ) -> Iterator[str]:
        """Those names in the folder of this descriptor for which `wanted` is true. `on_entry` is
        called for each name that is read."""
        key = _key_of(folder)
        if key == self._key:
            yield from self._names
            return
        self._key = None
        _free(self._names, on_entry)
        count = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                on_entry()
                count += 1
                if wanted(entry.name):
                    self._names.append(entry.name)
        is_settled = abs(time.time_ns() - key[2]) > SETTLED and _key_of(folder) == key
        if is_settled and count > FEW_NAMES:
            self._key = key
        yield from self._names
        if self._key is None:
            _free(self._names, on_entry)


def _free(names: list[str], on_entry: Callable[[], None]) -> None:
    # All at once would hold the interpreter's lock for 10 ms in a folder of 50,000 such names.
    while names:
        del names[-100:]
        on_entry()


def _key_of(folder: int) -> _Key:
    info = os.fstat(folder)
    return info.st_dev, info.st_ino, info.st_ctime_ns, info.st_mtime_ns


def sorted_in_slices(rows: Sequence[T], key: Callable[[T], str]) -> list[T]:
    """`sorted`, during which other threads have their turn."""
    slices = [sorted(rows[at : at + _SLICE], key=key) for at in range(0, len(rows), _SLICE)]
    return slices[0] if len(slices) == 1 else list(heapq.merge(*slices, key=key))
