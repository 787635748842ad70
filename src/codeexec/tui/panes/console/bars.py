"""Bars between cards and prompt: the answer to an input request, and the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from codeexec.domain.events import StdinRequested
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.widgets.field import Field


class AnswerBar(Horizontal):
    """Asks for what input() or getpass() wants; stands out as nothing else does."""

    DEFAULT_CSS = """
    AnswerBar {
        height: auto;
        max-height: 3;
        display: none;
        padding: 0 1;
    }
    AnswerBar Label { width: auto; max-width: 60%; }
    AnswerBar Input { width: 1fr; height: 1; border: none; padding: 0; }
    AnswerBar Input:focus { border: none; }
    """

    @dataclass
    class Answered(Message):
        request_id: str
        text: str

    def __init__(self) -> None:
        super().__init__(id="answer")
        self._request: StdinRequested | None = None

    def compose(self) -> ComposeResult:
        yield Label("", id="answer-label", markup=False)
        yield Field(id="answer-input", compact=True)
        yield Label(" ⏎ ", id="answer-send")

    @property
    def field(self) -> Input:
        """Where the answer is typed."""
        return self.query_one(Input)

    @property
    def waits(self) -> bool:
        return self._request is not None

    def ask(self, request: StdinRequested | None) -> bool:
        """Show this input request, or hide the bar; returns whether the request is new."""
        if request == self._request:
            return False
        self._request = request
        self.display = request is not None
        if request is not None:
            prompt = request.prompt.strip() or ("password" if request.password else "input")
            self.query_one("#answer-label", Label).update(plain_words(f"⌨ {one_line(prompt)} "))
            field = self.query_one(Input)
            field.password = request.password
            field.value = ""
        return request is not None

    @on(Input.Submitted)
    def send(self, event: Input.Submitted) -> None:
        event.stop()
        self._send()

    def on_click(self, event: events.Click) -> None:
        button = self.query_one("#answer-send").region
        if event.button == 1 and button.contains(event.screen_x, event.screen_y):
            self._send()

    def _send(self) -> None:
        if self._request is not None:
            value = self.query_one(Input).value
            self.post_message(self.Answered(self._request.request_id, value))

    def take_focus(self) -> None:
        self.query_one(Input).focus()


class SearchBar(Horizontal):
    """Searches all code and output, as far back as it goes."""

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

    def __init__(self) -> None:
        super().__init__(id="search")
        self._confirmed = ""

    def compose(self) -> ComposeResult:
        yield Label("/ ")
        yield Field(id="search-input", compact=True, placeholder="search all code and output")
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
        # What is typed here is never a command of the console around it.
        if event.is_printable:
            event.stop()
