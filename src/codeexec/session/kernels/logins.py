"""Questions of logins to other machines, put to the user of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from codeexec.domain import requests as q
from codeexec.domain.clock import Clock
from codeexec.domain.errors import Conflict, UsageError
from codeexec.domain.events.logins import LoginOutcome, LoginQuestionAsked, LoginQuestionClosed
from codeexec.domain.ids import new_id
from codeexec.domain.places.logins import (
    MOST_ANSWER,
    NO,
    YES,
    LoginPrompt,
    LoginQuestion,
    LoginUnanswered,
)
from codeexec.session.storage.event_log import EventLog

ANSWER_WAIT = 120.0
"""Seconds for an answer: as long as `sshd` waits for a login unless it is told otherwise."""

ATTACH_WAIT = 15.0
"""Seconds for a client to attach that may answer."""


class LoginQuestions:
    """Open questions are events of the session, so each client shows them; answers go to the login
    alone. `clients` gives the clients that are attached now."""

    def __init__(
        self, recorder: EventLog, clock: Clock, clients: Callable[[], Iterable[q.ClientInfo]]
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._clients = clients
        self._may_be_asked = asyncio.Event()
        """A client is attached that may answer."""
        self._waiting: dict[str, tuple[LoginQuestion, asyncio.Future[str | None]]] = {}

    async def ask(self, prompt: LoginPrompt) -> str:
        """An AskUser. Cancelled, it withdraws the question."""
        question = LoginQuestion(new_id("login"), prompt, self._clock.now() + ANSWER_WAIT)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting[question.question_id] = question, answer
        self._recorder.record(LoginQuestionAsked(question))
        try:
            text = await self._answer(answer, prompt.machine)
        except LoginUnanswered:
            self._close(question.question_id, "not answered")
            raise
        except BaseException:
            self._close(question.question_id, "withdrawn")
            raise
        if text is None:
            raise LoginUnanswered(f"The login to {prompt.machine} was given up.")
        return text

    async def ask_when_attached(self, prompt: LoginPrompt) -> str:
        """An AskUser for what goes on without clients: it waits for one that may answer."""
        while not any(map(_may_answer, self._clients())):
            self._may_be_asked.clear()
            await self._may_be_asked.wait()
        return await self.ask(prompt)

    def look_for_client(self) -> None:
        """A client has attached."""
        self._may_be_asked.set()

    async def _answer(self, answer: asyncio.Future[str | None], machine: str) -> str | None:
        done, _ = await asyncio.wait([answer], timeout=ATTACH_WAIT)
        if not done and any(map(_may_answer, self._clients())):
            done, _ = await asyncio.wait([answer], timeout=ANSWER_WAIT - ATTACH_WAIT)
            if not done:
                minutes = ANSWER_WAIT / 60
                raise LoginUnanswered(
                    f"Nobody answered what {machine} asks within {minutes:g} minutes."
                )
        elif not done:
            raise LoginUnanswered(f"{machine} asks, and nobody is attached who may answer.")
        return answer.result()

    def answer(self, request: q.AnswerLogin, by: str) -> None:
        """See AnswerLogin."""
        waiting = self._waiting.get(request.question_id)
        if waiting is None:
            raise Conflict("This question is not open any more.")
        question, answer = waiting
        kind, text = question.prompt.kind, request.text
        if text is not None and kind == "confirm" and text not in (YES, NO):
            raise UsageError(f"The answer is {YES} or {NO}.")
        if text is not None and kind == "wait":
            raise UsageError("This question takes no answer: it goes away by itself.")
        if text is not None and (len(text) > MOST_ANSWER or set(text) & set("\r\n\0")):
            raise UsageError(f"An answer is one line of at most {MOST_ANSWER} characters.")
        self._close(request.question_id, "given up" if text is None else "answered", by)
        answer.set_result(text)

    def withdraw_left(self) -> None:
        """Close what an earlier session server has left open: who asked has ended with it."""
        for question in self._recorder.snapshot.login_questions:
            self._recorder.record(LoginQuestionClosed(question.question_id, "withdrawn"))

    def _close(self, question_id: str, outcome: LoginOutcome, by: str = "") -> None:
        if self._waiting.pop(question_id, None) is not None and not self._recorder.is_closed:
            self._recorder.record(LoginQuestionClosed(question_id, outcome, by))


def _may_answer(client: q.ClientInfo) -> bool:
    return not client.watch_only and not client.is_agent
