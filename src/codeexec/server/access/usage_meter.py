"""Measures what sessions of a user take of the disk and of memory, beside the loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from msgspec import Struct

log = logging.getLogger(__name__)

FRESH_SECONDS = 5.0
"""After which a measurement is repeated when it is asked for."""


class Measurement(Struct):
    """`value` is in bytes; None before the first one has ended."""

    value: int | None = None
    taken_at: float = 0.0
    task: asyncio.Task[None] | None = None


class UsageMeter:
    """The last known value of each measured thing. Asking for one that is old begins another
    measurement, and does not wait for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._measurements: dict[tuple[str, str], Measurement] = {}

    def ask(self, kind: str, owner: str, measure: Callable[[], int]) -> int:
        """Bytes, as far as they are known. `measure` runs in a thread."""
        measurement = self._measurements.setdefault((kind, owner), Measurement())
        is_old = measurement.value is None or self._clock() - measurement.taken_at >= FRESH_SECONDS
        if is_old and measurement.task is None:
            measurement.task = asyncio.ensure_future(self._take(measurement, measure))
        return measurement.value or 0

    async def wait(self, kind: str, owner: str, measure: Callable[[], int]) -> int:
        """The same, once a first measurement has ended."""
        value = self.ask(kind, owner, measure)
        measurement = self._measurements[kind, owner]
        if measurement.value is None and measurement.task is not None:
            await asyncio.shield(measurement.task)
            return measurement.value or 0
        return value

    def add(self, kind: str, owner: str, size: int) -> None:
        """What was just written, until the next measurement."""
        if (measurement := self._measurements.get((kind, owner))) is not None:
            measurement.value = (measurement.value or 0) + size

    async def _take(self, measurement: Measurement, measure: Callable[[], int]) -> None:
        try:
            measurement.value = await asyncio.to_thread(measure)
        except OSError as error:
            log.warning("the use of resources cannot be measured: %s", error)
        finally:
            measurement.taken_at = self._clock()
            measurement.task = None


def disk_bytes(folders: list[Path]) -> int:
    """Bytes that files below these folders take. Blocks."""
    total = 0
    for root in folders:
        for folder, _, names in os.walk(root):
            for name in names:
                # Files come and go meanwhile.
                with contextlib.suppress(OSError):
                    total += os.lstat(f"{folder}/{name}").st_blocks * 512
    return total


def memory_bytes(pids: list[int]) -> int:
    """Resident bytes of these processes and all that they have started. Blocks."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    total += each.memory_info().rss
    return total
