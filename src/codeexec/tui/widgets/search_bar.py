"""Bar of a search: the pattern, and how many matches there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import plain_words
from codeexec.tui.widgets.field import Field


class SearchBar(Horizontal):
    """Field of a search, with the number of matches; Enter goes from match to match."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("search")]

    DEFAULT_CSS = """
    SearchBar { height: 1; display: none; padding: 0 1; }
    SearchBar Label { width: auto; }
    SearchBar Input { width: 1fr; height: 1; border: none; padding: 0; }
    SearchBar Input:focus { border: none; }
    """

    @dataclass
    class Sought(Message):
        """The pattern in the field is another one; `at_once` when Enter was pressed."""

        pattern: str
        at_once: bool = False

    @dataclass
    class Stepped(Message):
        by: int

    @dataclass
    class Closed(Message):
        """The search is over."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(id="search")
        self._placeholder = placeholder
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        yield Label("/ ")
        yield Field(id="search-input", compact=True, placeholder=self._placeholder)
        yield Label("", id="search-count", markup=False)

    def open(self) -> None:
        self.display = True
        field = self.query_one(Input)
        field.focus()
        field.select_all()
        if field.value:
            self.post_message(self.Sought(field.value))

    def say(self, message: str) -> None:
        self.query_one("#search-count", Label).update(plain_words(message))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value != self._confirmed:
            self._confirmed = event.value
            self.post_message(self.Sought(event.value, at_once=True))
        else:
            self.post_message(self.Stepped(-1))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.say("")  # what was found is not about what is in the field now
        if self.display:
            self.post_message(self.Sought(event.value))

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))

    def action_close(self) -> None:
        self.display = False
        self._confirmed = ""
        self.post_message(self.Closed())

    def on_key(self, event: events.Key) -> None:
        # What is typed here is never a command of the pane around it.
        if event.is_printable:
            event.stop()
