"""Import the drawing modules in a thread, and pause the import while the first lines run."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, cast

from codeexec.tui.turns import begin_short_turns, end_short_turns

if TYPE_CHECKING:
    from importlib.abc import Loader

HOLD = 0.4
"""Longest pause of the import, in seconds."""


class _InTurn:
    """Loader that waits for its turn, then hands the module to the real loader. It has no base:
    `importlib.abc` takes 4 ms to import."""

    def __init__(self, loader: Loader, wait: Callable[[], None]) -> None:
        self._loader = loader
        self._wait = wait

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._wait()
        self._loader.exec_module(module)


class Loading:
    """Import of modules, and of all that they import, in a thread."""

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._thread = threading.Thread(target=self._load, name="loading", daemon=True)
        self._free = threading.Event()
        self._free.set()
        self._until = 0.0
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()

    def begin(self) -> None:
        """Start the import."""
        begin_short_turns()
        # After the finders of built-in modules, and before the path finder.
        finders: list[object] = list(sys.meta_path)
        at = finders.index(PathFinder) if PathFinder in finders else len(finders)
        sys.meta_path.insert(at, self)
        self._thread.start()

    async def finish(self) -> None:
        """Until it is loaded. Raises what importing it has raised."""
        try:
            await self._done
        finally:
            end_short_turns()
            sys.meta_path.remove(self)

    def hold(self) -> None:
        """The machine is wanted for something that is waited for."""
        if self._free.is_set():
            self._until = time.monotonic() + HOLD
            self._free.clear()

    def go_on(self) -> None:
        """It is no longer."""
        self._free.set()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Python's own finding, but what is found waits for its turn. Not here: Python finds one
        module at a time, and others import meanwhile."""
        if threading.current_thread() is not self._thread:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", _InTurn(spec.loader, self._wait))
        return spec

    def _wait(self) -> None:
        if not self._free.is_set():
            self._free.wait(max(self._until - time.monotonic(), 0.0))

    def _load(self) -> None:
        try:
            for module in self._modules:
                import_module(module)
        except BaseException as error:
            self._tell(error)
        else:
            self._tell(None)

    def _tell(self, error: BaseException | None) -> None:
        def take() -> None:
            if self._done.done():
                return  # the waiting task was cancelled
            if error is None:
                self._done.set_result(None)
            else:
                self._done.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(take)
        except RuntimeError:
            return  # nor is there a loop any more
