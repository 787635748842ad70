"""Panel of an exercise: the verdict on the last run, hints, and the solution."""

from __future__ import annotations

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widget import Widget

from codeexec.documents.lessons.model import CodeBlock
from codeexec.domain.learning import ExerciseRecord
from codeexec.tui.render.ansi import wrap_words
from codeexec.tui.render.plain import one_line
from codeexec.tui.screens.lesson.text import LessonText
from codeexec.tui.session.lessons.progress import LessonProgress
from codeexec.tui.theme.theme import Theme

_MOST_ROWS = 4
"""Rows of the sentence."""

_MOST_SIGNS = 200
"""Characters of it, so that the tries behind it are seen."""


class Verdict(Widget):
    """The sentence of the checks, in a few rows."""

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme
        self._shown: tuple[str, str, int] = ("", "", 0)
        self._rows: list[Strip] = []

    def use(self, theme: Theme) -> None:
        self._theme = theme
        sentence, tone, width = self._shown
        self._shown = ("", "", 0)
        self.show(sentence, tone, width)

    def show(self, sentence: str, tone: str, width: int) -> int:
        """Show a sentence in the colour of a meaning; returns its height."""
        if sentence and (sentence, tone, width) != self._shown:
            self._shown = sentence, tone, width
            segment = Segment(one_line(sentence), self._theme.style(tone))
            self._rows = wrap_words([segment], max(width, 1))[:_MOST_ROWS]
            self.refresh()
        return len(self._rows)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        row = self._rows[y] if y < len(self._rows) else Strip([])
        return row.apply_style(base).adjust_cell_length(self.size.width, base)


class ExercisePanel(Vertical):
    """The verdict, and below it hints or the solution. Hidden where there is no exercise."""

    DEFAULT_CSS = """
    ExercisePanel { height: auto; background: $panel; padding: 0 2; margin: 1 0 0 0;
        display: none; }
    ExercisePanel.-on { display: block; }
    ExercisePanel Verdict { background: $panel; height: 1; }
    ExercisePanel LessonText { background: $panel; height: 0; }
    """

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._verdict = Verdict(theme)
        self._help = LessonText(theme)

    def compose(self) -> ComposeResult:
        yield self._verdict
        yield self._help

    def use(self, theme: Theme) -> None:
        self._verdict.use(theme)
        self._help.use(theme)

    def show(self, progress: LessonProgress, width: int, most: int) -> int:
        """Show the exercise in front in at most so many rows; returns how many it takes with the
        blank row above it."""
        block, exercise = progress.block, progress.exercise
        self.set_class(block is not None and exercise is not None, "-on")
        if block is None or exercise is None:
            return 0
        sentence, tone = verdict_sentence(exercise)
        rows = max(self._verdict.show(sentence, tone, width - 4), 1)
        self._verdict.styles.height = rows
        source = help_markdown(block, exercise, is_solution_shown=progress.is_solution_shown)
        help_rows = min(self._help.show(source, width - 4), max(most - rows, 0))
        self._help.styles.height = help_rows
        return rows + help_rows + 1


def verdict_sentence(exercise: ExerciseRecord) -> tuple[str, str]:
    """The sentence about an exercise, and the meaning of its colour."""
    tries = f"{exercise.tries} {'try' if exercise.tries == 1 else 'tries'}"
    verdict = exercise.verdict
    if len(verdict) > _MOST_SIGNS:
        verdict = f"{verdict[:_MOST_SIGNS]}…"
    if verdict and exercise.is_done:
        return f"✗ {verdict} (It was done before.)", "warn"
    if verdict:
        return f"✗ {verdict}" + (f" · {tries}" if exercise.tries else ""), "error"
    if exercise.is_done:
        note = ", the solution was seen" if exercise.has_seen_solution else ""
        return f"✓ Done · {tries}{note} · F2 goes on", "ok"
    return "Exercise · write the code, F5 runs and checks it", "muted"


def help_markdown(
    block: CodeBlock, exercise: ExerciseRecord, *, is_solution_shown: bool = False
) -> str:
    """The hints that are due, or the solution where it is asked for, as Markdown."""
    if is_solution_shown and block.solution is not None:
        return f"**A solution**\n\n`````{block.language}\n{block.solution.rstrip()}\n`````"
    if exercise.is_done:
        return ""
    due = [hint for hint in block.hints if hint.tries <= exercise.tries]
    return "\n\n".join(f"**Hint {at}.** {hint.text.strip()}" for at, hint in enumerate(due, 1))
