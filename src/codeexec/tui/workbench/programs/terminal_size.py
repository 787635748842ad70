"""Tells programs that run the size of the screen which shows their output, when that changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from textual.message import Message

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.tui.panes.console.pane import ConsolePane
from codeexec.tui.workbench.dispatch import Handler
from codeexec.tui.workbench.surface import Surface, WorkbenchState


class OutputSize(Protocol):
    def output_columns(self) -> int: ...

    def output_rows(self) -> int: ...


class ProgramTerminalSize:
    """`output` has the size of the pane that shows the output."""

    def __init__(self, surface: Surface, state: WorkbenchState, output: OutputSize) -> None:
        self._surface = surface
        self._state = state
        self._output = output
        self._told = (0, 0)

    def actions(self) -> Mapping[str, Handler]:
        return {}

    def messages(self) -> Mapping[type[Message], Handler]:
        return {ConsolePane.OutputResized: lambda _: self.tell()}

    def tell(self) -> None:
        """Nothing happens before the session is open, and where another client leads."""
        self._surface.start(self._tell, "terminal-size")

    async def _tell(self) -> None:
        size = self._output.output_columns(), self._output.output_rows()
        session = self._state.session
        if not session.session_id or self._state.options.watch or 0 in size or size == self._told:
            return
        self._told = size
        try:
            await session.call(q.ResizeTerminals(*size))
        except CodeexecError:
            self._told = (0, 0)  # the session has ended, or is of an older server
