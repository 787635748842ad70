"""The event loop of cells that await. asyncio is imported with the first of them."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner.failures import has_cell

if TYPE_CHECKING:
    import asyncio


class Loop:
    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Any) -> Any:
        """Run a cell's coroutine to its end; its other tasks go on meanwhile. After an interrupt
        it is cancelled, so that its `finally` blocks run."""
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)  # `asyncio.run` of a cell may have taken it away
        task = self._loop.create_task(coroutine)
        try:
            return self._loop.run_until_complete(task)
        except KeyboardInterrupt as interrupt:
            if task.done():
                raise
            task.cancel()
            try:
                self._loop.run_until_complete(task)
            except asyncio.CancelledError as cancelled:
                if has_cell(cancelled.__traceback__):
                    raise KeyboardInterrupt().with_traceback(cancelled.__traceback__) from None
            raise interrupt from None

    def wait(self, requests: SimpleQueue[Any]) -> Any:
        """The next of the requests. Tasks that cells have left run meanwhile."""
        if self._loop is None:
            return requests.get()
        import asyncio

        if not asyncio.all_tasks(self._loop):
            return requests.get()

        async def arrival() -> None:
            while requests.empty() and len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

        self._loop.run_until_complete(arrival())
        return requests.get()
