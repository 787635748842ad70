"""Popups of completions and documentation above the prompt, which keeps the focus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from codeexec.domain.requests import Completion
from codeexec.domain.text.printable import printable_row
from codeexec.tui.render.plain import one_line

MOST = 200
"""Completions that are listed."""


class CompletionPopup(OptionList, can_focus=False):
    """Shows completions; the pane moves the choice."""

    DEFAULT_CSS = """
    CompletionPopup {
        layer: popup;
        dock: bottom;
        height: auto;
        max-height: 9;
        width: auto;
        min-width: 24;
        max-width: 64;
        margin: 0 0 0 6;
        padding: 0;
        border: none;
        display: none;
        scrollbar-size-vertical: 1;
    }
    """

    @dataclass
    class Chosen(Message):
        """A completion was clicked."""

    def __init__(self) -> None:
        super().__init__(id="completions")
        self._items: tuple[Completion, ...] = ()
        self.start = 0
        self.end = 0

    def offer(self, items: Sequence[Completion], start: int, end: int) -> None:
        """Show them; they replace the characters `start` to `end` of the code."""
        self._items = tuple(items[:MOST])
        self.start, self.end = start, end
        names = [one_line(item.text) for item in self._items]
        width = max(map(len, names))
        self.clear_options()
        self.add_options(
            Option(Text.assemble(name.ljust(width + 2), (one_line(item.type), "dim")))
            for name, item in zip(names, self._items, strict=True)
        )
        self.highlighted = 0
        self.display = True

    def close(self) -> None:
        self.display = False

    def move(self, by: int) -> None:
        if self._items:
            self.highlighted = ((self.highlighted or 0) + by) % len(self._items)

    @property
    def chosen(self) -> Completion | None:
        at = self.highlighted
        return self._items[at] if at is not None and at < len(self._items) else None

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.highlighted = event.option_index
        self.post_message(self.Chosen())


class DocsPopup(VerticalScroll, can_focus=False):
    """Documentation of what is under the cursor."""

    DEFAULT_CSS = """
    DocsPopup {
        layer: popup;
        dock: bottom;
        height: auto;
        max-height: 75%;
        padding: 0 1;
        display: none;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self) -> None:
        super().__init__(Static(id="docs-text"), id="docs")

    def show(self, text: str) -> None:
        """Show text that may hold SGR."""
        self.query_one(Static).update(Text.from_ansi(printable_row(text.strip("\n"))))
        self.scroll_home(animate=False)
        self.display = True

    def close(self) -> None:
        self.display = False
