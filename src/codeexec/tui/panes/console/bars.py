"""Bar between cards and prompt: the answer to an input request."""

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
        self.send_typed()

    def on_click(self, event: events.Click) -> None:
        widget = self.screen.get_widget_at(event.screen_x, event.screen_y)[0]
        if event.button == 1 and widget.id == "answer-send":
            self.send_typed()
        elif event.button == 1 and widget.id == "answer-end":
            self._send_end()

    @on(AnswerField.EndRequested)
    def end_input(self, event: AnswerField.EndRequested) -> None:
        event.stop()
        self._send_end()

    def _send_end(self) -> None:
        if self._request is not None and self._may_end:
            self.post_message(self.Answered(self._request.request_id, END_OF_INPUT))

    def send_typed(self) -> None:
        """Answer with what the field has."""
        if self._request is not None:
            value = self.query_one(Input).value
            self.post_message(self.Answered(self._request.request_id, value))

    def take_focus(self) -> None:
        self.query_one(Input).focus()
