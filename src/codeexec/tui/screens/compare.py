"""Diff of the editor's text against the file on disk, and the choice between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.binding import BindingType

from codeexec.tui.commands.table import bindings
from codeexec.tui.screens.picker import HeadingRow, Picker
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, TextRow

Answer = Literal["reload", "overwrite"]

_INKS: dict[str, Ink] = {"+": "ok", "-": "error"}


class ComparingScreen(Picker[Answer | None]):
    """`rows` are those of a unified diff from the file to the text. Answers with which of the two
    is to be taken, or None for neither."""

    typing: ClassVar[bool] = False

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]

    def __init__(self, title: str, rows: Sequence[str]) -> None:
        super().__init__(f"{title}  ·  - on disk  + here")
        self._rows = rows[2:]  # after the two that name the files

    def hints(self) -> Sequence[Hint]:
        return (
            Hint("r", "take the file's", "answer('reload')"),
            Hint("o", "save mine over it", "answer('overwrite')"),
            Hint("esc", "decide later", "leave"),
        )

    def begin(self) -> None:
        rows = [
            HeadingRow(row) if row.startswith("@@") else TextRow(row, _INKS.get(row[:1], "muted"))
            for row in self._rows
        ]
        self.show(rows)
        self.say("" if rows else "They are the same by now.")

    def action_answer(self, answer: Answer) -> None:
        self.dismiss(answer)
