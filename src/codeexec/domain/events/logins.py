"""Events of questions that are asked while a line to another machine is opened. The answers are in
no event."""

from __future__ import annotations

from typing import Literal

from codeexec.domain.events.base import Event
from codeexec.domain.places.logins import LoginQuestion

LoginOutcome = Literal["answered", "given up", "not answered", "withdrawn"]


class LoginQuestionAsked(Event, frozen=True):
    """A login waits for an answer of the user."""

    question: LoginQuestion


class LoginQuestionClosed(Event, frozen=True):
    """`not answered`: its time is over. `withdrawn`: the program that asked has ended. `origin` is
    the client that answered or gave the login up."""

    question_id: str
    outcome: LoginOutcome
    origin: str = ""


AnyLoginEvent = LoginQuestionAsked | LoginQuestionClosed
