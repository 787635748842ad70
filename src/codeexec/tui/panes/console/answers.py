"""Input that a cell waits for: shows the answer bar, and gives it the keys and back."""

from __future__ import annotations

from textual.widget import Widget

from codeexec.domain.options import PROGRAMS
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.panes.console.bars import AnswerBar
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.session.ask import focus_now


class AnswerFocus:
    """`pane` is the console pane, and posts the messages."""

    def __init__(self, pane: Widget, bar: AnswerBar, prompt: Prompt) -> None:
        self._pane = pane
        self._bar = bar
        self._prompt = prompt
        self._came_from = ""
        """The pane that the keys go back to."""

    def follow(self, asking: ExecutionView | None) -> None:
        """The execution that waits for input at the moment, if any."""
        stdin = asking.stdin if asking is not None else None
        was_waiting = self._bar.waits
        may_end = asking is not None and _reads_to_the_end(asking)
        if self._bar.ask(stdin, may_end=may_end) and stdin is not None and asking is not None:
            # Without a focus, the bar had it and was hidden: this is the next question of several.
            if self._pane.screen.focused is not None and not self._bar.has_focus_within:
                self._came_from = ""
            self._pane.post_message(ConsoleMessages.AnswerAwaited(stdin, asking.origin))
            if self._pane.has_focus_within:
                self._bar.take_focus()
        # Once for each answer: the next frame may come before `AnswerOver` has moved the focus.
        elif was_waiting and stdin is None and self._bar.has_focus_within:
            if self._came_from:
                self._pane.post_message(ConsoleMessages.AnswerOver())
            else:
                self._prompt.focus()

    def take_focus(self) -> None:
        """At once, as what is typed next is meant for the prompt, or for the answer."""
        focus_now(self._bar.field if self._bar.waits else self._prompt)

    def type(self, text: str) -> None:
        """Put text where it is meant for, and let what is typed next go there."""
        self.take_focus()
        if self._bar.waits:
            self._bar.field.insert_text_at_cursor(text)
        else:
            self._prompt.insert(text)

    def stay(self) -> None:
        """The user has gone to the console, and stays there when the answer was given."""
        self._came_from = ""

    def take_way_back(self) -> str:
        """The pane that the keys go back to, once; empty if the user went to the console since."""
        came_from, self._came_from = self._came_from, ""
        return came_from

    def lead(self, came_from: str) -> None:
        """Let the answer be typed, and then go back to the pane `came_from`."""
        self._came_from = came_from
        focus_now(self._bar.field)


def _reads_to_the_end(asking: ExecutionView) -> bool:
    """Whether a program asks, whose input can end; code of a kernel asks for one line."""
    is_program = asking.kernel.startswith(f"{PROGRAMS}:")
    return is_program or asking.code.startswith("%program ")
