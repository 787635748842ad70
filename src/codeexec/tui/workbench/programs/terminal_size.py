"""Tells programs that run the size of the screen which shows their output, when that changes."""

from __future__ import annotations

from collections.abc import Callable

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.tui.workbench.surface import WorkbenchState


class ProgramTerminalSize:
    """`columns` gives the width of the output."""

    def __init__(self, state: WorkbenchState, columns: Callable[[], int]) -> None:
        self._state = state
        self._columns = columns
        self._told = 0

    async def tell(self) -> None:
        """Nothing happens before the session is open, and where another client leads."""
        columns = self._columns()
        session = self._state.session
        if not session.session_id or self._state.options.watch or columns in (0, self._told):
            return
        self._told = columns
        try:
            await session.call(q.ResizeTerminals(columns))
        except CodeexecError:
            self._told = 0  # the session has ended, or is of an older server
