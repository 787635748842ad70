"""Workers of Textual whose coroutine may never begin, and errors of those that outlive the screen.

Textual makes the coroutine of a worker when it is asked for, and runs it in a task. Where the task
is cancelled before its first turn, as one of a group that a newer worker ends, Python says at some
later garbage collection that the coroutine was never awaited.
"""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from textual._context import NoActiveAppError, active_message_pump
from textual.app import App, ScreenStackError
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import MountError
from textual.worker import Worker, WorkerFailed, active_worker
from textual.worker_manager import WorkerManager

R = TypeVar("R")

_TAKEN_DOWN = (NoMatches, ScreenStackError, NoActiveAppError, MountError)


def is_of_taking_down(error: BaseException, app: App[R]) -> bool:
    """Whether the error is of something that mounts or reads while all is taken down, or the
    screen that it belongs to: it finds no children, no screen and no application."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    if not isinstance(cause, _TAKEN_DOWN):
        return False
    return app._exit or not app.is_running or _has_left(_running_node(app), app)


def _running_node(app: App[R]) -> MessagePump | None:
    """The widget or screen whose message, timer or worker runs; for workers Textual names the
    application."""
    pump = active_message_pump.get(None)
    worker = active_worker.get(None)
    return worker.node if pump is app and worker is not None else pump


def _has_left(pump: MessagePump | None, app: App[R]) -> bool:
    """Whether a widget or a screen is on no screen of the application any more."""
    if pump is app or not isinstance(pump, DOMNode):
        return False
    screens = [node for node in pump.ancestors_with_self if isinstance(node, Screen)]
    return not screens or screens[0] not in app.screen_stack


class Workers(WorkerManager):
    """Closes the coroutine of a worker that was cancelled before it began."""

    def add_worker(self, worker: Worker[Any], start: bool = True, exclusive: bool = True) -> None:
        super().add_worker(worker, start=start, exclusive=exclusive)
        work = worker._work
        if worker._task is not None and inspect.iscoroutine(work):
            worker._task.add_done_callback(lambda _: work.close())
