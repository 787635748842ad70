"""An event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from codeexec.domain.errors import UsageError

T = TypeVar("T")


class BlockingLoop:
    """Runs coroutines for any number of threads at once. The thread is a daemon: a program that
    ends without `close` is not held up."""

    def __init__(self, name: str) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        return self._loop.is_closed()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine. Ctrl+C, or any other exception in the waiting thread, cancels it.
        UsageError where the loop cannot run it."""
        problem = ""
        if self._pid != os.getpid():
            problem = "This environment belongs to the process that forked this one."
        elif threading.current_thread() is self._thread:
            problem = "This is the environment's own event loop."
        elif self.is_closed:
            problem = "The environment is closed."
        if problem:
            work.close()
            raise UsageError(problem, "Make an Environment of your own, and use it in this thread.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread; what still runs is cancelled."""
        if self._pid != os.getpid() or self.is_closed:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()
