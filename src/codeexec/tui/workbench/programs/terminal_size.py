"""Tells programs that run the size of the screen which shows their output, when that changes."""

from __future__ import annotations

from typing import Protocol

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.tui.workbench.surface import WorkbenchState


class OutputSize(Protocol):
    def output_columns(self) -> int: ...

    def output_rows(self) -> int: ...


class ProgramTerminalSize:
    """`output` has the size of the pane that shows the output."""

    def __init__(self, state: WorkbenchState, output: OutputSize) -> None:
        self._state = state
        self._output = output
        self._told = (0, 0)

    async def tell(self) -> None:
        """Nothing happens before the session is open, and where another client leads."""
        size = self._output.output_columns(), self._output.output_rows()
        session = self._state.session
        if not session.session_id or self._state.options.watch or 0 in size or size == self._told:
            return
        self._told = size
        try:
            await session.call(q.ResizeTerminals(*size))
        except CodeexecError:
            self._told = (0, 0)  # the session has ended, or is of an older server
