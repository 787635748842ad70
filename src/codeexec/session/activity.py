"""Figures about all executions and kernels of a host since it started."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

from codeexec.domain.snapshot import ExecutionView

BOUNDS = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)
"""Upper bounds of the buckets of a histogram, in seconds."""


class Histogram:
    """How many values lie below each bound. `counts` has one entry more, for those above all."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, value: float) -> None:
        value = max(value, 0.0)  # the clock may have been set back
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.sum += value


class Activity:
    """`finished` is by status, `kernels` by `started` and `died`."""

    def __init__(self) -> None:
        self.finished: Counter[str] = Counter()
        self.kernels: Counter[str] = Counter()
        self.queued_seconds = Histogram()
        self.run_seconds = Histogram()
        self.rows = 0

    def note_finished(self, view: ExecutionView) -> None:
        """An execution is over."""
        self.finished[view.status] += 1
        self.rows += view.total
        if view.started_at is not None and view.finished_at is not None:
            self.queued_seconds.observe(view.started_at - view.queued_at)
            self.run_seconds.observe(view.finished_at - view.started_at)
