"""Event of the line to a kernel on another machine."""

from __future__ import annotations

from msgspec import Struct

from codeexec.domain.events.base import Event
from codeexec.domain.options import DEFAULT_KERNEL


class LineCut(Struct, frozen=True):
    """The line was cut at `since` (seconds of the epoch), and is being opened again. `reason` is a
    sentence: why the last attempt failed. `next_try` is when the next one is made (seconds of the
    epoch; 0 where that is not told)."""

    since: float
    reason: str = ""
    next_try: float = 0.0


class KernelLineChanged(Event, frozen=True):
    """The line to the kernel is cut; without `cut` it is there again."""

    cut: LineCut | None = None
    kernel: str = DEFAULT_KERNEL
