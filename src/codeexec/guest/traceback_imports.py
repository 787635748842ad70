"""Imports what IPython needs for its first traceback while the kernel has nothing to do: the first
error, and the first interrupt, is shown some 0.1 s sooner.

Standard library only, Python 3.8 on.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from typing import Any

AFTER = 0.4
"""Seconds after the kernel's start: the first cell comes first."""
PAUSE = 0.03
"""Seconds between two of the imports, in which a cell may come."""
MODULES = (
    "pygments.lexers.python",
    "pygments.formatters.terminal256",
    "executing.executing",
    "asttokens.asttokens",
    "stack_data",
)
"""In steps of some 10 ms each."""


def begin(app: Any) -> None:
    """Import them in the main thread, between cells: in another one they would slow down code, and
    a process that is forked meanwhile could not import them any more."""
    from tornado.ioloop import IOLoop

    loop = IOLoop.current()
    remaining = iter(MODULES)

    def step() -> None:
        name = next(remaining, None)
        if name is None or not is_installed(name.partition(".")[0]):
            return
        try:
            import_module(name)
        except Exception:
            return  # another version of IPython, which may not need it
        loop.call_later(PAUSE, step)

    loop.call_later(AFTER, step)


def is_installed(package: str) -> bool:
    """Whether a package is where IPython is, or loaded: a module of that name in the user's folder
    is not imported without need."""
    if package in sys.modules:
        return True
    spec = PathFinder.find_spec(package)
    ipython = os.path.dirname(os.path.dirname(sys.modules["IPython"].__file__ or ""))
    origin = (spec.origin if spec is not None else None) or ""
    return origin.startswith(ipython + os.sep)
