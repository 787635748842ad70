"""Workers of Textual whose coroutine may never begin, and errors of those that outlive the screen.

Textual makes the coroutine of a worker when it is asked for, and runs it in a task. Where the task
is cancelled before its first turn, as one of a group that a newer worker ends, Python says at some
later garbage collection that the coroutine was never awaited.
"""

from __future__ import annotations

import inspect
from typing import Any

from textual._context import NoActiveAppError
from textual.app import ScreenStackError
from textual.css.query import NoMatches
from textual.worker import Worker, WorkerFailed
from textual.worker_manager import WorkerManager

_TAKEN_DOWN = (NoMatches, ScreenStackError, NoActiveAppError)


def is_of_taking_down(error: BaseException) -> bool:
    """Whether what mounts or reads while all is taken down can end so: it finds no children, no
    screen and no application."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    return isinstance(cause, _TAKEN_DOWN)


class Workers(WorkerManager):
    """Closes the coroutine of a worker that was cancelled before it began."""

    def add_worker(self, worker: Worker[Any], start: bool = True, exclusive: bool = True) -> None:
        super().add_worker(worker, start=start, exclusive=exclusive)
        work = worker._work
        if worker._task is not None and inspect.iscoroutine(work):
            worker._task.add_done_callback(lambda _: work.close())
