"""Questions of a program that logs in to another machine: a password, a code, a host key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct

LoginKind = Literal["secret", "confirm", "wait"]
"""`secret`: the answer is a line that nobody sees. `confirm`: it is YES or NO. `wait`: something is
to be done elsewhere, such as a touch of a security key, and the question goes away by itself."""

YES, NO = "yes", "no"
"""Answers to a question of the kind `confirm`."""

MOST_TEXT = 2000
"""Characters of a question, and of what was said before it."""

MOST_ANSWER = 4000
"""Characters of an answer."""


class LoginPrompt(Struct, frozen=True):
    """`text` is the question in the words of the program, and `printed` what it has printed before;
    both are printable, may have several lines, and have MOST_TEXT characters at most."""

    machine: str
    text: str
    kind: LoginKind = "secret"
    printed: str = ""


class LoginQuestion(Struct, frozen=True):
    """A question that is open until `until` (seconds of the epoch)."""

    question_id: str
    prompt: LoginPrompt
    until: float


class LoginUnanswered(Exception):
    """The question has no answer; `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


AskUser = Callable[[LoginPrompt], Awaitable[str]]
"""Asks the user of a session. LoginUnanswered where they give the login up, or nobody answers."""
