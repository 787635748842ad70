"""Bar above the status line: code of an agent that waits for the user's confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.commands.keymap import named_keys
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import one_line, plain_words

_CODE_LINES = 3
"""Lines of the code that are shown, below the answers: what does not fit is cut there."""


class AgentBar(Static):
    """Shows the oldest of the executions that wait; hidden while none does."""

    DEFAULT_CSS = """
    AgentBar { height: auto; max-height: 7; display: none; padding: 0 1; }
    """

    @dataclass
    class Decided(Message):
        """`answer` is `allow`, `refuse` or `show`."""

        execution_id: str
        answer: str

    def __init__(self) -> None:
        super().__init__(id="agent-bar")
        self.execution_id = ""
        """The execution that the bar is about; empty while it is hidden."""

    def show(self, waiting: Sequence[ExecutionView]) -> None:
        """Show the first of the executions that wait for confirmation, or hide the bar."""
        self.execution_id = waiting[0].execution_id if waiting else ""
        self.display = bool(waiting)
        if waiting:
            self.update(self._content(waiting[0], len(waiting) - 1))

    def _content(self, view: ExecutionView, others: int) -> Content:
        name = one_line(view.origin)[:24] or "An agent"
        more = f" ({others} more wait)" if others else ""
        question = plain_words(f"✦ {name} asks to run code. {one_line(view.confirm)}{more}")
        lines = [line for line in view.code.split("\n") if line.strip()]
        code = [plain_words(f"  {one_line(line)}") for line in lines[:_CODE_LINES]]
        hidden = len(lines) - _CODE_LINES
        label = f"show {counted(hidden, 'more line')}" if hidden > 0 else "show it"
        answers = (
            ("allow", named_keys("Run: {agent.allow}", self.app._keymap)),
            ("refuse", named_keys("Refuse: {agent.refuse}", self.app._keymap)),
            ("show", label),
        )
        actions = Content("   ").join(
            Content.styled(words, f"bold underline @click=choose('{answer}')")
            for answer, words in answers
        )
        return Content("\n").join([question, actions, *code])

    def action_choose(self, answer: str) -> None:
        self.post_message(self.Decided(self.execution_id, answer))
