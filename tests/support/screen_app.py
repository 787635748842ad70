"""An app that shows one modal screen at once, in a theme of ours, and keeps what it answers."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.message import Message
from textual.screen import ModalScreen

from codeexec.tui.theme.theme import built_in_folder, find_theme, to_textual
from codeexec.tui.widgets.click_rows import ClickRows


class ScreenApp(App[None]):
    """`answers` has the screen's answer once it is closed; `heard` our messages."""

    CSS = "Screen { background: $surface; }"

    def __init__(self, screen: ModalScreen[Any], theme: str = "harbour") -> None:
        super().__init__()
        self.answers: list[object] = []
        self.heard: list[Message] = []
        self._first = screen
        self._theme_key = theme

    def on_mount(self) -> None:
        self.register_theme(to_textual(find_theme(self._theme_key, [built_in_folder()])))
        self.theme = self._theme_key
        # Its styles use the colours of the theme, which are there from the next turn on.
        self.call_after_refresh(self.push_screen, self._first, self.answers.append)

    async def _on_message(self, message: Message) -> None:
        if type(message).__module__.startswith("codeexec."):
            self.heard.append(message)
        await super()._on_message(message)


def shown(app: ScreenApp) -> list[str]:
    """The rows of the list that is in front, as text."""
    lists = app.screen.query(ClickRows)
    if not lists or not lists.first().display:
        return []
    rows = lists.first()
    return [rows.render_line(y).text.rstrip() for y in range(min(len(rows.rows), rows.size.height))]
