"""Problems of all files: a list by file, from which one goes to a line or applies a fix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from textual.binding import BindingType

from codeexec.domain.text.printable import printable
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.documents.cells.problems import CellProblem
from codeexec.tui.panes.editor.marks import Severity
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import fitted, one_line
from codeexec.tui.screens.picker import HeadingRow, Picker
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, ListRow, Pieces

_SIGNS: dict[Severity, tuple[str, Ink]] = {
    Severity.ERROR: ("●", "error"),
    Severity.WARN: ("▲", "warn"),
    Severity.INFO: ("·", "muted"),
}
_MOST_NOTES = 4
"""Notes that are shown under the list; a template error has hundreds."""


class ChosenProblem(NamedTuple):
    """The answer of the screen."""

    action: Literal["go", "fix"]
    problem: CellProblem


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """Row of a problem: its sign, its place, its message."""

    problem: CellProblem

    def pieces(self, width: int) -> Pieces:
        mark = self.problem.mark
        sign, ink = _SIGNS[mark.severity]
        line, column = self.problem.place
        place = f"{line + 1}:{column + 1}".ljust(8)
        fix = "  fix" if mark.fixes and not self.problem.is_stale else ""
        room = max(width - len(place) - 3 - len(fix), 1)
        is_stale = self.problem.is_stale
        return [
            (f"{sign} ", "muted" if is_stale else ink),
            (f"{place} ", "muted"),
            (fitted(one_line(mark.message), room), "muted" if is_stale else "text"),
            (fix, "accent"),
        ]


class ProblemsScreen(Picker[ChosenProblem | None]):
    """`read` returns all problems as they are now; `current` is the place of the cursor: document,
    line and column."""

    word_rows: ClassVar[int] = 3
    placeholder: ClassVar[str] = "type to narrow down: words of a message or of a file"

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("problems")]

    DEFAULT_CSS = """
    ProblemsScreen #word { margin-top: 1; }
    """

    def __init__(
        self,
        read: Callable[[], Sequence[CellProblem]],
        folder: Path,
        current: tuple[str, int, int] = ("", 0, 0),
    ) -> None:
        super().__init__("Problems")
        self._read = read
        self._folder = folder
        self._current = current

    def begin(self) -> None:
        self._fill()
        document, line, column = self._current
        for at, row in enumerate(self.list.rows):
            if isinstance(row, ProblemRow) and row.problem.document == document:
                self.list.go(at)
                if row.problem.place >= (line, column):
                    break
        self._tell()

    def show_frame(self, frame: Frame) -> None:
        """What has come from the session may be another report; the cursor stays on its row."""
        if self.is_mounted and [row.problem for row in self._problem_rows] != self._fitting():
            self._fill()
            self._tell()

    @property
    def _problem_rows(self) -> list[ProblemRow]:
        return [row for row in self.list.rows if isinstance(row, ProblemRow)]

    @property
    def _chosen(self) -> CellProblem | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row.problem if isinstance(row, ProblemRow) else None

    def _fitting(self) -> list[CellProblem]:
        words = self.field.value.strip().casefold().split()
        return [
            problem for problem in self._read() if all(word in _searched(problem) for word in words)
        ]

    def _fill(self) -> None:
        fitting = self._fitting()
        rows: list[ListRow] = []
        for document in dict.fromkeys(problem.document for problem in fitting):
            own = [problem for problem in fitting if problem.document == document]
            rows.append(HeadingRow(self._file_name(document), counted(len(own), "problem")))
            rows += map(ProblemRow, own)
        self.show(rows, self.list.cursor)

    def _file_name(self, document: str) -> str:
        """The file as seen from the folder; of a text without a file, what its tab is called."""
        if document.startswith("untitled:"):
            return printable(document.rpartition("/")[2])
        path = Path(document)
        is_inside = path.is_relative_to(self._folder)
        return printable(str(path.relative_to(self._folder) if is_inside else path))

    def _tell(self) -> None:
        chosen = self._chosen
        if chosen is not None:
            notes = [printable(note) for note in chosen.mark.notes[:_MOST_NOTES]]
            words = "\n".join([one_line(chosen.mark.message), *notes])
            self.say(f"{words}\nThe line was edited since." if chosen.is_stale else words)
        elif self._read():
            self.say("Nothing fits.")
        else:
            self.say("There are no problems. Errors of builds, runs and syntax are listed here.")
        self.refresh_hints()

    def hints(self) -> Sequence[Hint]:
        chosen = self._chosen
        entries: list[Hint] = []
        if chosen is not None:
            entries.append(Hint("enter", "go there", "choose"))
            if chosen.mark.fixes and not chosen.is_stale:
                entries.append(Hint("alt+shift+i", "apply its fix", "fix"))
        return (*entries, Hint("esc", "close", "leave"))

    def narrow(self, typed: str) -> None:
        self._fill()
        self._tell()

    def moved(self, at: int) -> None:
        self._tell()

    def choose(self, at: int) -> None:
        if (chosen := self._chosen) is not None:
            self.dismiss(ChosenProblem("go", chosen))

    def action_fix(self) -> None:
        if (chosen := self._chosen) is not None and chosen.mark.fixes:
            self.dismiss(ChosenProblem("fix", chosen))


def _searched(problem: CellProblem) -> str:
    """What the words of the field are looked for in."""
    return f"{problem.mark.message} {problem.document}".casefold()
