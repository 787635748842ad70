"""The text of a step, rendered."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from codeexec.domain.text.printable import printable
from codeexec.tui.panes.documents.page.markdown_block import render_markdown
from codeexec.tui.theme.theme import Theme

_WIDEST = 76
"""Columns of a line of text: longer ones are hard to read."""


class LessonText(ScrollView, can_focus=False):
    """Markdown as it reads; a text that is too long is scrolled by the mouse."""

    DEFAULT_CSS = """
    LessonText { background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme
        self._source = ""
        self._lines: list[Strip] = []
        self._rendered: tuple[str, int, str] | None = None

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.show(self._source, self._rendered[1] if self._rendered else 0)

    def show(self, source: str, width: int) -> int:
        """Show a text at this width; returns its height."""
        width = min(width, _WIDEST)
        wanted = (source, width, f"{self._theme.key} {self._theme.depth}")
        if wanted != self._rendered and width > 0:
            if source != self._source:
                self.scroll_to(0, 0, animate=False)
            self._source, self._rendered = source, wanted
            text = printable(source, lines=True)
            self._lines = render_markdown(text, width, self._theme).lines if text else []
            self.virtual_size = Size(width, len(self._lines))
            self.refresh()
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        at, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        line = self._lines[at] if at < len(self._lines) else Strip([])
        return line.apply_style(base).adjust_cell_length(width, base)
