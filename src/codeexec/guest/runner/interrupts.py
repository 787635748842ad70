"""SIGINT ends the code of a cell; while the runner is idle or sends frames, it is only noted."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

WAKE = signal.SIGURG
"""A signal that programs ignore by default."""

_AGAIN = 0.005
"""Seconds after which an interrupt that Python has dropped is sent again."""


class Interrupts:
    def __init__(self) -> None:
        self._is_noted = False
        self._note = self.note  # one object: it is compared by identity
        signal.signal(signal.SIGINT, self._note)
        signal.signal(WAKE, lambda _number, _frame: None)
        sys.unraisablehook = self._take_unraisable

    def wake(self) -> None:
        """From another thread: have the main thread notice an interrupt that came just before it
        went to sleep in a call of the system."""
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, WAKE)

    def note(self, _number: int, _frame: Any) -> None:
        """The handler of SIGINT around the code of the user."""
        self._is_noted = True

    def forget(self) -> None:
        """An execution begins: what came before is not meant for it."""
        self._is_noted = False

    def run(self, function: Callable[[], Any]) -> Any:
        """Call it with Python's own handler. KeyboardInterrupt at once where an interrupt has come
        since `forget`. The handler of the runner is back whatever the code has installed."""
        try:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                if self._is_noted:
                    self._is_noted = False
                    raise KeyboardInterrupt
                return function()
            finally:
                signal.signal(signal.SIGINT, self._note)
        finally:  # once more: the first may have been interrupted
            signal.signal(signal.SIGINT, self._note)

    def shield(self, function: Callable[[], Any]) -> Any:
        """Call it from code of the user without interruption; one that came meanwhile is sent
        again after it, to the handler that was there."""
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or signal.getsignal(signal.SIGINT) is None:  # a handler written in C
            return function()
        before = signal.signal(signal.SIGINT, self._note)
        try:
            return function()
        finally:
            signal.signal(signal.SIGINT, before)
            if self._is_noted:
                self._is_noted = False
                signal.raise_signal(signal.SIGINT)

    def _take_unraisable(self, dropped: Any) -> None:
        """Python drops what is raised in a destructor or in a callback of the garbage collector,
        also a KeyboardInterrupt: the user would have to interrupt once more."""
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            threading.Timer(_AGAIN, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            sys.__unraisablehook__(dropped)
