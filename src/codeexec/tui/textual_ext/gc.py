"""Garbage collection in pauses of typing.

A full collection over all objects of a workbench takes 20 to 50 ms, which delays a key noticeably.
Objects of the start are never garbage and are frozen; the others are collected as often as Python
would, but between keys.
"""

from __future__ import annotations

import gc

LOOK_EVERY = 1.0
"""Seconds between checks whether a collection is due."""

_QUIET = 1.0
"""Seconds without a key after which a collection may run."""

_DUE, _OVERDUE = 10, 300
"""Counts of young collections: from the first on a full collection is due in a pause, from the
second on also while the user types."""


def begin() -> None:
    """Freeze the objects that exist now; later ones are left to `tidy`."""
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 1_000_000)
    gc.enable()


def keep() -> None:
    """Freeze the objects that were loaded meanwhile."""
    gc.freeze()


def tidy(quiet: float) -> bool:
    """Run a full collection if it is due; `quiet` is the number of seconds without a key."""
    due = gc.get_count()[2]
    if due < _DUE or (quiet < _QUIET and due < _OVERDUE):
        return False
    gc.collect()
    return True
