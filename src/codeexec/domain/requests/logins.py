"""Request that answers the question of a login to another machine."""

from __future__ import annotations

from codeexec.domain.requests.base import Done, Request


class AnswerLogin(Request[Done], frozen=True):
    """Answer a question of `Snapshot.login_questions`; without `text` the login is given up. A
    question of the kind `confirm` is answered with yes or no. Conflict when it is not open (any
    more), UsageError for an answer that is none, Denied for agents."""

    question_id: str
    text: str | None = None
    origin: str = ""

    def __repr__(self) -> str:
        return f"AnswerLogin({self.question_id!r})"
