"""When garbage is looked for: not while somebody types.

Going through all that a workbench holds takes 20 to 50 ms, which is felt as a key that hangs. What
its start has made is never garbage and is left out; the rest is looked through as often as Python
would, but between the keys.
"""

from __future__ import annotations

import gc

LOOK_EVERY = 1.0
"""Seconds between looks at whether it is time."""

_QUIET = 1.0
"""Seconds without a key, after which there is time."""

_DUE, _OVERDUE = 10, 300
"""Collections of the young, after which Python would look through all; when it is done at last
although somebody types on and on."""


def begin() -> None:
    """What there is by now stays for good; the rest is left to `tidy`."""
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, 1_000_000)
    gc.enable()


def keep() -> None:
    """What has been loaded meanwhile stays as well."""
    gc.freeze()


def tidy(quiet: float) -> bool:
    """Look through all, if it is time; `quiet` is for how many seconds no key has come."""
    due = gc.get_count()[2]
    if due < _DUE or (quiet < _QUIET and due < _OVERDUE):
        return False
    gc.collect()
    return True
