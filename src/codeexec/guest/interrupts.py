"""Lets interrupts end the code of a kernel, and never the kernel.

ipykernel has Python's own handler for SIGINT from before a message is handled until after that,
and catches the KeyboardInterrupt of the handling alone. A second interrupt that comes as it tells
of the first one leaves its event loop, and the process ends with all variables of the user: one of
sixty pairs of interrupts that are less than 60 ms apart. Here Python's handler is installed while a
message is handled, within what is caught; around it an interrupt is only noted, and one that came
before is raised as the handling begins.
"""

from __future__ import annotations

import inspect
import signal
import threading
from collections.abc import Callable
from typing import Any


class InterruptGuard:
    """In place of the two hooks of a kernel, and around each handler of its shell channel."""

    def __init__(self) -> None:
        self._is_noted = False
        self._idle_handler: Any = signal.SIG_IGN
        self._note = self.note  # one object: it is compared by identity

    def note(self, _number: int, _frame: Any) -> None:
        """The handler of SIGINT around the handling of a message."""
        self._is_noted = True

    def begin(self) -> None:
        """ipykernel's hook before a message is handled. ValueError in other threads, as there."""
        self._is_noted = False
        self._idle_handler = signal.signal(signal.SIGINT, self._note)

    def end(self) -> None:
        """ipykernel's hook after a message was handled."""
        signal.signal(signal.SIGINT, self._idle_handler)

    def around(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler of a kind of message, which an interrupt ends by KeyboardInterrupt."""

        async def handle(*message: Any) -> None:
            is_main = threading.current_thread() is threading.main_thread()
            if not is_main or signal.getsignal(signal.SIGINT) is not self._note:
                await _done(handler(*message))  # beside code that awaits: its handler stays
                return
            try:
                try:
                    signal.signal(signal.SIGINT, signal.default_int_handler)
                    if self._is_noted:
                        raise KeyboardInterrupt
                    await _done(handler(*message))
                finally:
                    signal.signal(signal.SIGINT, self._note)
            finally:  # once more: the first may have been interrupted
                signal.signal(signal.SIGINT, self._note)

        return handle


async def _done(result: Any) -> None:
    if inspect.isawaitable(result):
        await result


def install(app: Any) -> None:
    guard = InterruptGuard()
    kernel = app.kernel
    kernel.pre_handler_hook = guard.begin
    kernel.post_handler_hook = guard.end
    handlers = kernel.shell_handlers
    for kind in list(handlers):
        handlers[kind] = guard.around(handlers[kind])
