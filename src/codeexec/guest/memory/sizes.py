"""Answers to `MeasureVariables`: a count in a thread of its own, which ends where a cell begins.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from codeexec.guest.memory.walk import OF_PROGRAM, CountLimit, Walk
from codeexec.guest.prelude import kind_of, listed
from codeexec.guest.tables.work import runs_user_code

FOR_ONE = 0.05  # seconds of the processor for one variable
FOR_ALL = 0.25  # for one answer
WAIT = 0.3  # seconds that a question waits for the count
WAIT_ON_MAIN = 0.003  # where it holds up the thread that runs cells


class SizeCount:
    """The count of one answer. `names` are all variables where none is named."""

    def __init__(self, user: dict[str, Any], names: list[str]) -> None:
        self.names = names
        self.sizes: list[dict[str, Any]] = []
        self.rest: list[str] = []
        self.is_interrupted = False
        self.done = threading.Event()
        self._user = user

    def run(self) -> None:
        clock = CountLimit(FOR_ALL)  # here, as it is that of this thread
        try:
            variables = dict(listed(self._user))
            names = [name for name in self.names or variables if name in variables]
            for at, name in enumerate(names):
                value = variables[name]
                if kind_of(value) in OF_PROGRAM:
                    continue
                if at and clock.is_over:
                    self.rest = names[at:]
                    break
                self._measure(name, value, clock)
        finally:
            self.is_interrupted = clock.is_interrupted
            self.done.set()

    def _measure(self, name: str, value: Any, clock: CountLimit) -> None:
        clock.begin(FOR_ONE)
        walk = Walk(clock, (self._user, sys.modules))
        try:
            walk.count(value)
        except BaseException:  # one strange value must not hide the others
            walk.is_whole = False
        if walk.size:
            self.sizes.append({"name": name, "size": walk.size, "is_whole": walk.is_whole})


_open: dict[str, SizeCount] = {}
"""The count that goes on, by the names that were asked for."""


def measure(user: dict[str, Any], text: str) -> str:
    """The answer to `text`, a JSON list of names: `sizes` and the names of the `rest`;
    `is_working` while it is not done, `is_busy` where a cell runs."""
    is_on_main = threading.current_thread() is threading.main_thread()
    if not is_on_main and runs_user_code():
        _open.clear()
        return json.dumps({"is_busy": True})
    count = _open.get(text)
    if count is None:
        _open.clear()
        count = _open[text] = SizeCount(user, json.loads(text))
        threading.Thread(target=count.run, daemon=True, name="Measuring variables").start()
    if not count.done.wait(WAIT_ON_MAIN if is_on_main else WAIT):
        return json.dumps({"is_working": True})
    _open.pop(text, None)
    if count.is_interrupted:
        return json.dumps({"is_busy": True})
    return json.dumps({"sizes": count.sizes, "rest": count.rest})
