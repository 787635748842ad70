"""Welcome text of the editor pane while no document is open."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.session.ask import CommandRequested
from codeexec.tui.theme.theme import Theme

_LINES: tuple[tuple[str, str], ...] = (
    ("", "{title}"),
    ("", ""),
    ("file.open", "open a file"),
    ("file.new", "begin a new one"),
    ("pane.other", "go to the console"),
    ("app.palette", "all commands"),
    ("app.help", "keys of where you are"),
)
"""Commands, and what they do; a click on one is as good as its key."""


_TITLES = (
    "Type here, {file.open} opens, {run.cell} runs, {app.quit} leaves",
    "Type here, {file.open} opens",
    "Type here",
)
"""The longest that has room is shown; keys as the keymap has them."""


class Welcome(Widget, can_focus=True):
    """A few keys to begin with, in the middle; what is typed begins a document."""

    DEFAULT_CSS = """
    Welcome { height: 1fr; }
    """

    def __init__(self, theme: Theme, on_text: Callable[[str], None], id: str | None = None) -> None:
        """`on_text` is called at once with what is typed or pasted."""
        super().__init__(id=id)
        self._theme = theme
        self._on_text = on_text

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character:
            event.stop()
            event.prevent_default()
            self._on_text(event.character)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._on_text(event.text)

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def _at(self, y: int) -> int:
        return y - max((self.size.height - len(_LINES)) // 2, 0)

    def on_click(self, event: events.Click) -> None:
        at = self._at(event.y)
        if event.button == 1 and 0 <= at < len(_LINES) and _LINES[at][0]:
            self.post_message(CommandRequested(_LINES[at][0]))

    def _title(self, width: int) -> str:
        titles = [named_keys(title, self.app._keymap) for title in _TITLES]
        return next((title for title in titles if len(title) < width), "")

    def render_line(self, y: int) -> Strip:
        width, style, base = self.size.width, self._theme.style, self.rich_style
        at = self._at(y)
        if not 0 <= at < len(_LINES):
            return Strip.blank(width, base)
        command, text = _LINES[at]
        indent = max((width - 30) // 2, 0)
        segments = [Segment(" " * indent)]
        if command:
            key = named_keys(f"{{{command}}}", self.app._keymap)
            segments.append(Segment(f"{key:>8}  ", style("accent")))
            segments.append(Segment(text, style("muted")))
        elif text:
            segments = [Segment(f"{self._title(width):^{width}}", style("text"))]
        return Strip(segments).adjust_cell_length(width).apply_style(base)
