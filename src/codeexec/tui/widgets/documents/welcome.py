"""What the editor pane says while nothing is open."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.theme import Theme

_LINES: tuple[tuple[str, str], ...] = (
    ("", "Nothing is open."),
    ("", ""),
    ("ctrl+o", "open a file"),
    ("ctrl+t", "begin a new one"),
    ("f2", "go to the console"),
    ("ctrl+p", "all commands"),
    ("f1", "keys of where you are"),
)


class Welcome(Widget, can_focus=True):
    """A few keys to begin with, in the middle."""

    DEFAULT_CSS = """
    Welcome { height: 1fr; }
    """

    def __init__(self, theme: Theme, id: str | None = None) -> None:
        super().__init__(id=id)
        self._theme = theme

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width, style, base = self.size.width, self._theme.style, self.rich_style
        at = y - max((self.size.height - len(_LINES)) // 2, 0)
        if not 0 <= at < len(_LINES):
            return Strip.blank(width, base)
        key, words = _LINES[at]
        left = max((width - 30) // 2, 0)
        segments = [Segment(" " * left)]
        if key:
            segments.append(Segment(f"{key:>8}  ", style("accent")))
            segments.append(Segment(words, style("muted")))
        else:
            segments.append(Segment(f"{words:^30}", style("text") + Style(bold=False)))
        return Strip(segments).adjust_cell_length(width).apply_style(base)
