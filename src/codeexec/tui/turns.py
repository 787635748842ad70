"""Turns of the interpreter while a thread works beside the keyboard.

The loop lets go of the interpreter several times in the work of one key, and waits for a whole turn
of a thread that imports or computes each time: with Python's own turns keys feel slow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TURN = 0.0005
"""Seconds that a thread keeps the interpreter while another waits for it; usual are 0.005."""

_usual: list[float] = []
"""Python's own turns, once for each work that wants short ones: these may overlap."""


def begin_short_turns() -> None:
    """Until `end_short_turns` is called as often."""
    _usual.append(_usual[0] if _usual else sys.getswitchinterval())
    sys.setswitchinterval(_TURN)


def end_short_turns() -> None:
    usual = _usual.pop()
    if not _usual:
        sys.setswitchinterval(usual)


@contextmanager
def short_turns() -> Iterator[None]:
    begin_short_turns()
    try:
        yield
    finally:
        end_short_turns()
