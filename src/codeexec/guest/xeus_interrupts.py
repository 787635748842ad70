"""Lets SIGINT end the code of xeus-python, which ends its process otherwise."""

from __future__ import annotations

import asyncio
import signal
import threading
from types import FrameType


def interrupt(_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt in the user's code, or cancel it where it awaits."""
    while frame is not None:
        if frame.f_code.co_name in ("run_cell", "run_code"):
            raise KeyboardInterrupt
        frame = frame.f_back
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return  # idle
    for task in asyncio.all_tasks(loop):
        if getattr(task.get_coro(), "__name__", "") == "wrapped":  # by XPythonLoopRunner
            loop.call_soon_threadsafe(task.cancel)


def install() -> None:
    """Python's handlers run in the main thread, where xeus-python runs code."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)


install()
