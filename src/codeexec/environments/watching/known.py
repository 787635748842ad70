"""Names that a folder had: an added one is told from a replaced one by them."""

from __future__ import annotations

from array import array
from bisect import bisect_left

_SLICE = 2000
"""Numbers that are sorted at once: one call of `sort` holds the interpreter's lock to its end."""


class KnownNames:
    """A set of names in folders, each as a number of 64 bits: of 200,000 names 1.6 MB."""

    def __init__(self) -> None:
        self.first_names = 0
        self._slices: list[array[int]] = []
        """Sorted, each by itself."""
        self._added: set[int] = set()
        self._removed: set[int] = set()

    def add_first(self, number: int) -> None:
        """One of the many that are there at first, as a number of `number_of`."""
        self._added.add(number)
        self.first_names += 1
        if len(self._added) >= _SLICE:
            self._slices.append(array("q", sorted(self._added)))
            self._added = set()

    def __contains__(self, number: int) -> bool:
        if number in self._added:
            return True
        return number not in self._removed and self._was_there(number)

    def _was_there(self, number: int) -> bool:
        for numbers in self._slices:
            place = bisect_left(numbers, number)
            if place < len(numbers) and numbers[place] == number:
                return True
        return False

    def add(self, number: int) -> None:
        self._removed.discard(number)
        if number not in self:
            self._added.add(number)

    def discard(self, number: int) -> None:
        self._added.discard(number)
        if self._was_there(number):
            self._removed.add(number)


def number_of(folder: int, name: str) -> int:
    """`folder` is a number that no other folder has had in this process."""
    return hash((folder, name))
