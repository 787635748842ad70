"""Limits that a helper process sets for itself before it reads a document."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import BinaryIO

MEMORY = 1536 << 20
"""Bytes of private memory that may be written (RLIMIT_DATA); engines of JavaScript reserve far more
addresses than they use."""

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""CLONE_NEWUSER and CLONE_NEWNET of Linux."""


def enter(memory: int = MEMORY) -> tuple[BinaryIO, BinaryIO]:
    """Set the limits on memory and network. The streams of jobs and of answers: what a library
    prints is no answer."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory(memory)
    _leave_network()
    return sys.stdin.buffer, answers


def limit_time(seconds: int) -> None:
    """The system ends the process `seconds` of processor time from now, also if its parent
    has ended."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    end = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _limit_memory(most: int) -> None:
    import resource

    for limit, amount in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, most)):
        with contextlib.suppress(OSError, ValueError):  # not on every system
            resource.setrlimit(limit, (amount, amount))


def _leave_network() -> None:
    """Enter a network namespace with nothing in it. Some systems and containers forbid that; then
    the rules that no address is loaded stand alone."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)
