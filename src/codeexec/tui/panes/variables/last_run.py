"""What the last run has done to the variables of a kernel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len

from codeexec.domain.events import Variable
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.session.feed import Frame

_NOT_COUNTED = ("module", "session")
"""Kinds of variables that are not listed, or that a run does not change."""


@dataclass(frozen=True, slots=True)
class VariableChanges:
    """Names that are new, that have another value, and that are gone."""

    new: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    def words(self, room: int) -> str:
        """Such as `3 new, 1 changed`; `+3 ~1` where that is wider than `room` cells, and nothing
        where nothing has changed."""
        counts = [len(names) for names in (self.new, self.changed, self.gone)]
        in_words = zip(counts, ("new", "changed", "deleted"), strict=True)
        text = ", ".join(f"{count:,} {word}" for count, word in in_words if count)
        if cell_len(text) <= room:
            return text
        in_signs = zip("+~−", counts, strict=True)
        return " ".join(f"{sign}{count}" for sign, count in in_signs if count)


class LastRun:
    """Keeps what the variables were before the newest run of the kernel in focus. Cells that wait
    for one another are one run, as their variables are taken when all are done."""

    def __init__(self) -> None:
        self._number: int | None = None
        """Of the newest execution that has started; None before the first frame."""
        self._process = ("", 0)
        """The kernel in focus, and which of its processes."""
        self._before: Mapping[str, Variable] | None = None
        """None: no run has begun since this kernel was looked at first."""

    def follow(self, frame: Frame, variables: Sequence[Variable]) -> bool:
        """Take a frame; `variables` are those from before it. Whether a new run has begun, which
        may be over already."""
        # In a frame the kernel in focus is the default one.
        kernel, generation = frame.snapshot.default_kernel, frame.snapshot.kernel.generation
        is_known = self._number is not None and (kernel, generation) == self._process
        if not is_known:
            started = _started(frame.snapshot, frame.snapshot.executions.values())
            # A process has no variables before its first run; before a later one we were not there.
            is_first = _has_first(frame.snapshot, started) and _are_one_run(started)
            self._before = {} if is_first else None
            self._process = kernel, generation
            self._number = max((view.number for view in started), default=self._number or 0)
            return is_first
        last = self._number or 0
        views = (frame.view(execution_id) for execution_id in frame.changed)
        started = _started(frame.snapshot, (view for view in views if view and view.number > last))
        if not started:
            return False
        self._number = started[-1].number
        executions = reversed(frame.snapshot.executions.values())
        earlier = next((view for view in executions if view.number == last), None)
        if earlier is not None and _are_one_run([earlier, *started]):
            return False
        self._before = _by_name(variables)
        return True

    def changes(self, variables: Sequence[Variable]) -> VariableChanges:
        """From before the newest run to now."""
        earlier = self._before
        if earlier is None:
            return VariableChanges()
        now = _by_name(variables)
        return VariableChanges(
            frozenset(now.keys() - earlier.keys()),
            frozenset(name for name in now.keys() & earlier.keys() if now[name] != earlier[name]),
            frozenset(earlier.keys() - now.keys()),
        )


def _started(snapshot: Snapshot, views: Iterable[ExecutionView]) -> list[ExecutionView]:
    """Those that have started in this process of the kernel in focus, in their order."""
    kernel, generation = snapshot.default_kernel, snapshot.kernel.generation
    return sorted(
        (
            view
            for view in views
            if view.started_at is not None
            and view.kernel == kernel
            and view.generation == generation
        ),
        key=lambda view: view.number,
    )


def _has_first(snapshot: Snapshot, started: Sequence[ExecutionView]) -> bool:
    """Whether the first of these is the first one of its process: a snapshot holds the last ones of
    the session."""
    oldest = next(iter(snapshot.executions.values()), None)
    if oldest is None or not started:
        return False
    return oldest.number == 1 or oldest.number < started[0].number


def _are_one_run(views: Sequence[ExecutionView]) -> bool:
    """Whether each of these waited for the one before it."""
    return all(
        (earlier.finished_at or math.inf) >= later.queued_at for earlier, later in pairwise(views)
    )


def _by_name(variables: Sequence[Variable]) -> dict[str, Variable]:
    return {item.name: item for item in variables if item.kind not in _NOT_COUNTED}
