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
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import one_line, plain_words
from codeexec.tui.widgets.field import Field

END_OF_INPUT = "\x04"
"""The answer that ends a program's input; kernels of programs and `%program` know it."""


class AnswerField(Field):
    """Field of an answer: the key that deletes to the right ends the input where it is empty."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("answer")]

    class EndRequested(Message):
        """The input is to end."""

    def action_end_input(self) -> None:
        if self.value:
            self.action_delete_right()
        else:
            self.post_message(self.EndRequested())


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
        self._may_end = False

    def compose(self) -> ComposeResult:
        yield Label("", id="answer-label", markup=False)
        yield AnswerField(id="answer-input", compact=True)
        yield Label("", id="answer-end", markup=False)
        yield Label(" ⏎ ", id="answer-send")

    @property
    def field(self) -> Input:
        """Where the answer is typed."""
        return self.query_one(Input)

    @property
    def waits(self) -> bool:
        return self._request is not None

    def ask(self, request: StdinRequested | None, *, may_end: bool = False) -> bool:
        """Show this input request, or hide the bar; returns whether the request is new. `may_end`:
        a program reads lines until the end of its input, which a key can send."""
        if request == self._request:
            return False
        self._request = request
        self._may_end = may_end
        self.display = request is not None
        if request is not None:
            prompt = request.prompt.strip() or ("password" if request.password else "input")
            self.query_one("#answer-label", Label).update(plain_words(f"⌨ {one_line(prompt)} "))
            field = self.query_one(Input)
            field.password = request.password
            field.value = ""
            end = self.query_one("#answer-end", Label)
            end.update(named_keys("{answer.end} ends the input", self.app._keymap))
            end.display = may_end
        return request is not None

    @on(Input.Submitted)
    def send(self, event: Input.Submitted) -> None:
        event.stop()
        self._send()

    def on_click(self, event: events.Click) -> None:
        widget = self.screen.get_widget_at(event.screen_x, event.screen_y)[0]
        if event.button == 1 and widget.id == "answer-send":
            self._send()
        elif event.button == 1 and widget.id == "answer-end":
            self._send_end()

    @on(AnswerField.EndRequested)
    def end_input(self, event: AnswerField.EndRequested) -> None:
        event.stop()
        self._send_end()

    def _send_end(self) -> None:
        if self._request is not None and self._may_end:
            self.post_message(self.Answered(self._request.request_id, END_OF_INPUT))

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
