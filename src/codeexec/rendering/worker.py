"""The helper process that draws: reads jobs from its input, writes answers to its output.

Libraries that draw hold the interpreter, load what addresses name, and abort when memory runs out.
Here they have limits on memory and time, and no network where the system allows that.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct
import sys
from typing import BinaryIO

MEMORY = 1536 << 20
"""Bytes of private memory that may be written (RLIMIT_DATA); engines of JavaScript reserve far more
addresses than they use."""

IDLE_SECONDS = 60
"""Time without a job after which the process ends."""

HEAD = struct.Struct(">II")
"""Before each message: the lengths of its two parts."""

MOST_BYTES = 80 * 1024 * 1024
"""Largest part of a message."""

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""CLONE_NEWUSER and CLONE_NEWNET of Linux."""


def main() -> None:
    """Answer jobs until the input ends, or none comes for IDLE_SECONDS."""
    place, seconds = sys.stdin.buffer, int(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    _limit_memory()
    _leave_network()
    while select.select([place], [], [], IDLE_SECONDS)[0]:
        job = read_message(place)
        if job is None:
            return
        _limit_time(seconds)
        name, payload = job
        fault, picture = _draw(name.decode(), payload)
        write_message(answers, fault.encode("utf-8", "replace"), picture)


def read_message(place: BinaryIO) -> tuple[bytes, bytes] | None:
    """The two parts of a message; None at the end of the stream, or where it is no message."""
    head = place.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    lengths = HEAD.unpack(head)
    if max(lengths) > MOST_BYTES:
        return None
    parts = [place.read(length) for length in lengths]
    return (parts[0], parts[1]) if [*map(len, parts)] == [*lengths] else None


def write_message(place: BinaryIO, first: bytes, second: bytes) -> None:
    place.write(HEAD.pack(len(first), len(second)))
    place.write(first)
    place.write(second)
    place.flush()


def _draw(job: str, payload: bytes) -> tuple[str, bytes]:
    """Why there is no picture, or nothing; and the picture as PNG."""
    from codeexec.rendering.faults import Fault
    from codeexec.rendering.jobs import run

    try:
        return "", run(job, payload)
    except Fault as fault:
        return str(fault), b""
    except MemoryError:
        return "it needs too much memory", b""
    except Exception as error:
        # Faults of the libraries on damaged documents; they may quote the document.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return lines[-1][:300], b""


def _limit_memory() -> None:
    import resource

    for limit, amount in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, MEMORY)):
        with contextlib.suppress(OSError, ValueError):  # not on every system
            resource.setrlimit(limit, (amount, amount))


def _limit_time(seconds: int) -> None:
    """The system ends the process `seconds` of processor time from now, also if whoever started it
    is gone."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    end = int(usage.ru_utime + usage.ru_stime) + seconds + 1
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _leave_network() -> None:
    """Enter a network namespace with nothing in it. Some systems and containers forbid that; then
    the rules that no address is loaded stand alone."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)
