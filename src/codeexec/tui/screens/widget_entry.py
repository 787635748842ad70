"""Dialog in which the value of a widget is typed, in one line or in several; it may be empty."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label, Static, TextArea

from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import plain_words
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.hints import LINKS, Hint, hint_line
from codeexec.tui.widgets.modal import Modal

_HINTS = (Hint("enter", "set", "submit"), Hint("esc", "cancel", "leave"))
_HINTS_OF_LINES = (Hint("ctrl+s", "set", "submit"), Hint("esc", "cancel", "leave"))


class WidgetEntry(Modal[str | None]):
    """Dismissed with the text, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("widget_entry")]

    DEFAULT_CSS = """
    WidgetEntry { align: center middle; background: $surface 55%; }
    WidgetEntry > Vertical {
        width: 64; max-width: 94%; height: auto; padding: 1 2; background: $raised;
    }
    WidgetEntry Input { border: none; height: 1; padding: 0 1; background: $surface; }
    WidgetEntry TextArea { border: none; height: 10; padding: 0 1; background: $surface; }
    WidgetEntry Label { margin: 0 0 1 0; }
    WidgetEntry #hint { color: $text-muted; margin: 1 0 0 0; }
    WidgetEntry #hints { height: 1; margin: 1 0 0 0; color: $text-muted; LINKS }
    """.replace("LINKS", LINKS)

    def __init__(
        self, title: str, value: str, hint: str = "", *, has_lines: bool, is_hidden: bool = False
    ) -> None:
        """`has_lines`: several lines may be typed. `is_hidden`: dots stand for a password."""
        super().__init__()
        self._title, self._value, self._hint = title, value, hint
        self._has_lines, self._is_hidden = has_lines, is_hidden

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Label(plain_words(self._title))
            if self._has_lines:
                yield TextArea(self._value, compact=True)
            else:
                yield Field(self._value, compact=True, password=self._is_hidden)
            if self._hint:
                yield Label(plain_words(self._hint), id="hint")
            yield Static(hint_line(_HINTS_OF_LINES if self._has_lines else _HINTS), id="hints")

    def on_mount(self) -> None:
        self.query_one(TextArea if self._has_lines else Input).focus()

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Set what is typed."""
        if self._has_lines:
            self.dismiss(self.query_one(TextArea).text)
        else:
            self.dismiss(self.query_one(Input).value)

    def action_leave(self) -> None:
        self.dismiss(None)
