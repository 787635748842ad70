"""Progress of a kernel's start as text, the same in every client."""

from __future__ import annotations

from codeexec.domain.events.starts import KernelStartAdvanced
from codeexec.domain.text.words import duration


def start_words(start: KernelStartAdvanced, now: float) -> str:
    """Such as `Spawning server… 50 % 12 s`; `now` is in seconds of the epoch."""
    return f"{start.step}{progress_words(start, now)}".lstrip()


def progress_words(start: KernelStartAdvanced, now: float) -> str:
    """What stands behind the step, such as ` 50 % 12 s`."""
    percent = f" {start.percent} %" if start.percent else ""
    return f"{percent} {duration(max(now - start.since, 0.0))}"
