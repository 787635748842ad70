"""All steps of a lesson, to go to any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import BindingType

from codeexec.tui.commands.table import bindings
from codeexec.tui.screens.picker import Picker, spread
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Pieces


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step; `at` counts from 0."""

    at: int
    title: str
    is_here: bool
    was_given: bool

    def pieces(self, width: int) -> Pieces:
        mark = "▸" if self.is_here else " "
        label: Pieces = [
            (f"{mark} {self.at + 1:>3}  ", "accent"),
            (self.title, "text" if self.is_here or not self.was_given else "muted"),
        ]
        return spread(label, [("✓", "ok")] if self.was_given else [], width)


class OverviewScreen(Picker[int | None]):
    """Answers with the number of the step that was chosen, from 0."""

    typing: ClassVar[bool] = False
    placeholder: ClassVar[str] = "a word of its title"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("overview")]

    def __init__(self, progress: LessonProgress) -> None:
        super().__init__(progress.lesson.front.title or "Steps")
        self._progress = progress

    def hints(self) -> Sequence[Hint]:
        return (
            Hint("enter", "go there", "choose"),
            Hint("/", "search", "search"),
            Hint("esc", "close", "leave"),
        )

    def begin(self) -> None:
        self.narrow("")

    def narrow(self, typed: str) -> None:
        here, words = self._progress.view.step, typed.casefold().split()
        rows = [
            StepRow(at, step.label, at == here, self._progress.was_given(at))
            for at, step in enumerate(self._progress.lesson.steps)
            if all(word in step.label.casefold() for word in words)
        ]
        cursor = next((row for row, step in enumerate(rows) if step.is_here), 0)
        self.show(rows, cursor)
        self.say("" if rows else "Nothing fits.")

    def choose(self, at: int) -> None:
        row = self.list.rows[at]
        if isinstance(row, StepRow):
            self.dismiss(row.at)
