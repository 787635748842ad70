"""Text input that displays its value printable and keeps it unchanged."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.widgets import Input

from codeexec.domain.text.printable import printable


class Field(Input):
    """As Textual's; a name of a file may hold anything."""

    @property
    def _value(self) -> Text:
        text = "•" * len(self.value) if self.password else printable(self.value)
        return Text(text, no_wrap=True, overflow="ignore", end="")

    def _position_to_cell(self, position: int) -> int:
        return cell_len(self._value.plain[:position])
