"""The size of the screen that shows the output, where it changes while executions wait."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from codeexec.environments.base import TerminalSize
from codeexec.kernels.base import ExecuteCall


class WaitingSizes:
    """An execution has the size that its screen had when it was queued; one that is resized while
    it waits starts with the newer size."""

    def __init__(self) -> None:
        self._sizes: dict[str, TerminalSize] = {}

    def resize(self, waiting: Iterable[str], size: TerminalSize) -> None:
        self._sizes = dict.fromkeys(waiting, size)

    def resized(self, call: ExecuteCall) -> ExecuteCall:
        """The call with the size that its execution was told last."""
        size = self._sizes.get(call.execution)
        if size is None:
            return call
        options, program = call.options, call.options.program
        if program is not None:
            program = replace(program, rows=size.rows)
        options = replace(options, columns=size.columns, program=program)
        return replace(call, options=options)
