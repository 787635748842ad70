"""An event loop in a thread of its own, for callers that have none."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from codeexec.domain.errors import Conflict, UsageError

T = TypeVar("T")
P = ParamSpec("P")


class _LastingExecutor(ThreadPoolExecutor):
    """Takes work until the interpreter has ended: others refuse it as soon as the main thread is
    over, when environments that were not closed still have to be."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return super().submit(work, *args, **kwargs)
        except RuntimeError:
            future: Future[T] = Future()

            def run() -> None:
                if not future.set_running_or_notify_cancel():
                    return
                try:
                    future.set_result(work(*args, **kwargs))
                except BaseException as error:
                    future.set_exception(error)

            threading.Thread(target=run, daemon=True).start()
            return future


class BlockingLoop:
    """Runs coroutines for any number of threads at once. The thread is a daemon: a program that
    ends without `close` is not held up."""

    def __init__(self, name: str) -> None:
        self._pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(_LastingExecutor())
        self._lock = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether it runs nothing any more, or belongs to the process that forked this one."""
        return self._is_closed or self._pid != os.getpid()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine. Ctrl+C, or any other exception in the waiting thread, cancels it.
        UsageError where the loop cannot run it, Conflict where it is closed meanwhile."""
        if self._pid != os.getpid():
            raise _refused(work, "This environment belongs to the process that forked this one.")
        if threading.current_thread() is self._thread:
            raise _refused(work, "This is the environment's own event loop.")
        with self._lock:
            if self._is_closed:
                raise _refused(work, "The environment is closed.")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise Conflict("The environment was closed meanwhile.", "Make another one.") from None
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """End the loop and its thread; what still runs is cancelled."""
        if self._pid != os.getpid():
            return
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
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


def _refused(work: Coroutine[Any, Any, object], problem: str) -> UsageError:
    work.close()
    return UsageError(problem, "Make an Environment of your own, and use it in this thread.")
