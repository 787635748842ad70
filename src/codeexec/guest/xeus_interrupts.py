"""Lets SIGINT end the code of xeus-python, which ends its process otherwise.

Python's handler runs when the main thread is in Python's own code again. A signal that comes as
that thread is about to block, such as in `time.sleep` after a print, would wait for the end of
that: it is sent once more then, which ends the blocking call.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import FrameType

PAUSES = (0.05, 0.2, 1.0)
"""Seconds after which a signal that the handler has not seen is sent again."""

_has_handled = threading.Event()


def interrupt(_number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt in the user's code, or cancel it where it awaits."""
    _has_handled.set()
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


def repeat(reader: int, main_thread: int) -> None:
    """Send each signal again until the handler has run; `reader` gets a byte for each as it
    comes. For a thread of its own."""
    while os.read(reader, 4096):
        for pause in PAUSES:
            if _has_handled.wait(pause) or signal.getsignal(signal.SIGINT) is not interrupt:
                break
            signal.pthread_kill(main_thread, signal.SIGINT)
        _has_handled.clear()


def install() -> None:
    """Python's handlers run in the main thread, where xeus-python runs code."""
    if threading.current_thread() is not threading.main_thread():
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    signal.signal(signal.SIGINT, interrupt)
    threading.Thread(target=repeat, args=(reader, threading.get_ident()), daemon=True).start()


install()
