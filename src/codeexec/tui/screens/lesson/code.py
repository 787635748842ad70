"""The code of a step: typed before the eyes of the audience, and edited by the speaker."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.message import Message
from textual.strip import Strip

from codeexec.documents.lessons.line_marks import LineRange
from codeexec.domain.errors import NotFound
from codeexec.languages.catalog import by_name, text
from codeexec.languages.model import Language
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.styles import EditorStyles
from codeexec.tui.panes.editor.text.text import Location
from codeexec.tui.panes.editor.text.wrapping import row_starts
from codeexec.tui.theme.theme import Theme


class LessonCode(CodeEditor):
    """An editor that has the keys only while the speaker edits."""

    DEFAULT_CSS = """
    LessonCode { background: $surface; scrollbar-background: $surface; }
    """

    class EditingEnded(Message):
        """The speaker leaves the editor."""

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(styles=EditorStyles.from_meanings(theme.style), id=id)
        self.completion.automatic = False
        self.line_numbers = False
        self.soft_wrap = True
        self.painter.marks_brackets_unfocused = False
        self._language_name = ""
        self._marks: tuple[LineRange, ...] = ()

    def show(self, code: str, language: str, marks: Sequence[LineRange] = ()) -> None:
        """Show this code; more of the same is added at its end, where the cursor is. All lines but
        those of `marks` are dimmed, except while it is edited."""
        if tuple(marks) != self._marks:
            self._marks = tuple(marks)
            self.refresh()
        here = self.text
        if language == self._language_name and code == here:
            return
        if here and language == self._language_name and code.startswith(here):
            end = _end(here)
            self.perform(lambda model: model.edit([(end, end, code[len(here) :])]))
        else:
            self._language_name = language
            self.load(code, _language(language))
        self.move_to(_end(code))

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        row = y + self.scroll_offset.y
        if not self._marks or self.has_focus or row >= self.model.rows.total:
            return strip
        line = self.model.rows.line_at(row)[0] + 1
        if any(first <= line <= last for first, last in self._marks):
            return strip
        dimmed = Style(color=self.painter.styles("faint").color, bold=False)
        return Strip(
            [Segment(text, (style or Style()) + dimmed) for text, style, _ in strip],
            strip.cell_length,
        )

    def action_dismiss(self) -> None:
        if not self.completion.dismiss():
            self.post_message(self.EditingEnded())


def rows_in(editor: LessonCode, code: str, columns: int) -> int:
    """Rows of this code, wrapped in the editor when that has so many columns."""
    room = columns - editor.styles.scrollbar_size_vertical - editor.painter.gutter - 1
    lines = code.split("\n")
    return sum(len(row_starts(line, max(room, 8), editor.model.tab)) for line in lines)


def _end(code: str) -> Location:
    lines = code.split("\n")
    return Location(len(lines) - 1, len(lines[-1]))


def _language(name: str) -> Language:
    try:
        return by_name(name)
    except NotFound:
        return text()
