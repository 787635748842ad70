"""Outputs of cells as the kernel sent them, for `run --save`: raw text, as nbclient saves it.

The session keeps rows, in which a carriage return has been applied. What is collected here is
held in memory, so that the journal has no second copy; above `MOST_CHARS` the rows are saved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codeexec.domain.content.mime import is_json
from codeexec.kernels.base import (
    Displayed,
    DisplayRefreshed,
    ErrorRaised,
    InputRequested,
    KernelEvent,
    OutputCleared,
    StreamWritten,
)

if TYPE_CHECKING:
    from codeexec.documents.notebook.outputs import Json

MOST_CHARS = 64 * 2**20
"""Characters of all cells of a run."""


@dataclass(slots=True)
class _Collected:
    """The outputs of one execution, as in nbformat, but with the text of streams in pieces."""

    outputs: list[Json] = field(default_factory=list)
    clear_waits: bool = False

    def write(self, stream: str, text: str) -> None:
        last = self.outputs[-1] if self.outputs else {}
        if last.get("output_type") != "stream" or last["name"] != stream:
            last = {"output_type": "stream", "name": stream, "text": []}
            self.outputs.append(last)
        last["text"].append(text)


class CellOutputs:
    """Collects the outputs of the executions that it was told to `expect`."""

    def __init__(self, most_chars: int = MOST_CHARS) -> None:
        self._room = most_chars
        self._by_execution: dict[str, _Collected] = {}
        self._displays: dict[str, list[Json]] = {}  # by display id

    def expect(self, execution_id: str) -> None:
        self._by_execution[execution_id] = _Collected()

    def outputs(self, execution_id: str) -> list[Json] | None:
        """The outputs of an execution as in nbformat; None if they were not collected whole."""
        collected = self._by_execution.get(execution_id)
        if collected is None:
            return None
        return [
            {**output, "text": "".join(output["text"])}
            if output["output_type"] == "stream"
            else output
            for output in collected.outputs
        ]

    def take(self, events: Sequence[KernelEvent]) -> None:
        """Observe a batch of kernel events."""
        for event in events:
            match event:
                case StreamWritten():
                    if collected := self._open(event.execution, len(event.text)):
                        collected.write(event.stream, event.text)
                case Displayed():
                    if collected := self._open(event.execution, _size(event.data)):
                        self._show(collected, event)
                case ErrorRaised(error=error):
                    if collected := self._open(event.execution, sum(map(len, error.traceback))):
                        collected.outputs.append(
                            {
                                "output_type": "error",
                                "ename": error.name,
                                "evalue": error.value,
                                "traceback": list(error.traceback),
                            }
                        )
                case DisplayRefreshed():
                    for output in self._displays.get(event.display_id, ()):
                        output |= {"data": _saved(event.data), "metadata": dict(event.metadata)}
                case OutputCleared():
                    if collected := self._by_execution.get(event.execution):
                        collected.clear_waits = event.wait
                        if not event.wait:
                            collected.outputs.clear()
                case InputRequested():
                    # Only the session knows the answer, and shows it between the outputs.
                    self._by_execution.pop(event.execution, None)
                case _:
                    pass  # no output

    def _open(self, execution_id: str, size: int) -> _Collected | None:
        """The outputs of an execution, ready for one of this size."""
        collected = self._by_execution.get(execution_id)
        if collected is None:
            return None
        self._room -= size
        if self._room < 0:
            self._by_execution.clear()
            self._displays.clear()
            return None
        if collected.clear_waits:
            collected.clear_waits = False
            collected.outputs.clear()
        return collected

    def _show(self, collected: _Collected, event: Displayed) -> None:
        is_result = event.role == "result"
        output: Json = {
            "output_type": "execute_result" if is_result else "display_data",
            "data": _saved(event.data),
            "metadata": dict(event.metadata),
        }
        if is_result:
            output["execution_count"] = event.count
        collected.outputs.append(output)
        if event.display_id:
            self._displays.setdefault(event.display_id, []).append(output)


def _saved(data: Mapping[str, object]) -> dict[str, object]:
    """The values as a notebook may hold them: an object or a list of others than lines stands under
    a type of JSON alone, and Altair sends one under `…v6.json`, which is none."""
    return {
        mime: value if is_json(mime) or _is_text(value) else json.dumps(value)
        for mime, value in data.items()
    }


def _is_text(value: object) -> bool:
    is_lines = isinstance(value, list) and all(isinstance(line, str) for line in value)
    return is_lines or isinstance(value, str)


def _size(data: Mapping[str, object]) -> int:
    return sum(len(value if isinstance(value, str) else repr(value)) for value in data.values())
