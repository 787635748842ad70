"""What the editor pane says while nothing is open."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.commands import BY_ID
from codeexec.tui.keymap import key_words
from codeexec.tui.link import CommandWanted
from codeexec.tui.theme import Theme

_LINES: tuple[tuple[str, str], ...] = (
    ("", "Nothing is open."),
    ("", ""),
    ("file.open", "open a file"),
    ("file.new", "begin a new one"),
    ("pane.other", "go to the console"),
    ("app.palette", "all commands"),
    ("app.help", "keys of where you are"),
)
"""Commands, and what they do; a click on one is as good as its key."""


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

    def _at(self, y: int) -> int:
        return y - max((self.size.height - len(_LINES)) // 2, 0)

    def on_click(self, event: events.Click) -> None:
        at = self._at(event.y)
        if event.button == 1 and 0 <= at < len(_LINES) and _LINES[at][0]:
            self.post_message(CommandWanted(_LINES[at][0]))

    def render_line(self, y: int) -> Strip:
        width, style, base = self.size.width, self._theme.style, self.rich_style
        at = self._at(y)
        if not 0 <= at < len(_LINES):
            return Strip.blank(width, base)
        command, words = _LINES[at]
        left = max((width - 30) // 2, 0)
        segments = [Segment(" " * left)]
        if command:
            keys = self.app._keymap.get(command, BY_ID[command].keys)
            key = key_words(keys.partition(",")[0])
            segments.append(Segment(f"{key:>8}  ", style("accent")))
            segments.append(Segment(words, style("muted")))
        else:
            segments.append(Segment(f"{words:^30}", style("text") + Style(bold=False)))
        return Strip(segments).adjust_cell_length(width).apply_style(base)
