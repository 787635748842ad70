"""Banner line over a document: its special state, and actions on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from codeexec.tui.render.plain import plain_words


class Banner(Static):
    """Not there while there is nothing to say. What can be done is clicked, or has a command."""

    DEFAULT_CSS = """
    Banner {
        height: auto; max-height: 3; display: none; padding: 0 1; background: $panel-ground;
        color: $text-muted;
        link-color: $accent; link-style: none; link-background: transparent;
        link-background-hover: transparent; link-color-hover: $accent; link-style-hover: underline;
    }
    Banner.warn { color: $text-warning; }
    """

    @dataclass
    class AnswerChosen(Message):
        banner: Banner
        answer: str

    _said: tuple[str, tuple[tuple[str, str], ...], bool] = ("", (), False)

    def say(
        self, message: str, answers: Sequence[tuple[str, str]] = (), *, warn: bool = False
    ) -> None:
        """Words, and answers as `(key, words)`; nothing takes the line away."""
        content = (message, tuple(answers), warn)
        if content == self._said:
            return  # each update lays out the whole screen, and each save comes here
        self._said = content
        parts = [plain_words(message)]
        parts += [
            Content.styled(label, f"@click=choose('{key}')")
            for key, label in (*answers, *([("dismiss", "×")] if message else []))
        ]
        self.update(Content("   ").join(parts))
        self.set_class(warn, "warn")
        self.display = bool(message)

    def action_choose(self, answer: str) -> None:
        if answer == "dismiss":
            self.say("")
        self.post_message(self.AnswerChosen(self, answer))
