"""Names that a folder had: an added one is told from a replaced one by them."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Callable

_SLICE = 2000
"""Numbers that are sorted at once: one call of `sort` holds the interpreter's lock to its end."""


class KnownNames:
    """A set of names in folders, each as a number of 64 bits: of 200,000 names 1.6 MB."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._added: set[int] = set()
        self._removed: set[int] = set()

    def fill(self, numbers: list[int], on_entry: Callable[[], None]) -> None:
        """The first names, as numbers of `number_of`; `on_entry` is called for each of them."""
        slices = [
            sorted(numbers[start : start + _SLICE]) for start in range(0, len(numbers), _SLICE)
        ]
        for number in heapq.merge(*slices):
            on_entry()
            self._numbers.append(number)

    def __contains__(self, number: int) -> bool:
        if number in self._added:
            return True
        if number in self._removed:
            return False
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number

    def add(self, number: int) -> None:
        self._removed.discard(number)
        if number not in self:
            self._added.add(number)

    def discard(self, number: int) -> None:
        if number in self._added:
            self._added.discard(number)
        elif number in self:
            self._removed.add(number)


def number_of(folder: int, name: str) -> int:
    """`folder` is a number that no other folder has had in this process."""
    return hash((folder, name))
