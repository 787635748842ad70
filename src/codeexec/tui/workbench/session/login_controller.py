"""Asks the user what a login to another machine asks: a password, a code, a host key."""

from __future__ import annotations

import asyncio
from functools import partial

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Conflict
from codeexec.domain.places.logins import LoginPrompt, LoginQuestion, LoginUnanswered
from codeexec.tui.screens.login_question import LoginDialog, login_dialog
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.feed import Frame
from codeexec.tui.workbench.surface import Surface, WorkbenchState


async def ask_for_line(surface: Surface, prompt: LoginPrompt) -> str:
    """An AskUser for the line to a session server, which no other client uses."""
    dialog = login_dialog(prompt)
    answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    async def show() -> None:
        text: str | None = None
        try:
            text = await surface.ask_user(dialog)
        finally:
            if not answer.done():
                answer.set_result(text)

    surface.start(show, "line login")
    try:
        text = await answer
    except asyncio.CancelledError:
        dialog.withdraw()
        raise
    if text is None:
        raise LoginUnanswered(f"The login to {prompt.machine} was given up.")
    return text


class LoginController:
    """Shows the oldest open question of the session in a dialog. Other clients show it too; the
    first answer counts, and closes the dialogs of all."""

    def __init__(self, surface: Surface, state: WorkbenchState) -> None:
        self._surface = surface
        self._state = state
        self._shown = ""
        """The id of the question of the dialog."""
        self._dialog: LoginDialog | None = None
        state.host.ask_logins(partial(ask_for_line, surface))

    def show_frame(self, frame: Frame) -> None:
        questions = frame.snapshot.login_questions
        if self._dialog is not None:
            if all(question.question_id != self._shown for question in questions):
                self._dialog.withdraw()
            return
        if not questions or self._state.options.watch or questions[0].question_id == self._shown:
            return
        self._shown = questions[0].question_id
        self._dialog = login_dialog(questions[0].prompt)
        self._surface.start(partial(self._ask, questions[0], self._dialog), "login")

    async def _ask(self, question: LoginQuestion, dialog: LoginDialog) -> None:
        try:
            text = await self._surface.ask_user(dialog)
        finally:
            self._dialog = None
        if not dialog.is_withdrawn:
            request = q.AnswerLogin(question.question_id, text, self._state.me)
            try:
                await self._state.session.call(request)
            except Conflict:
                pass  # another client was faster, or its time is over: that is shown already
            except CodeexecError as error:
                self._surface.post_message(Failed(error))
        if self._state.last is not None:
            self.show_frame(self._state.last)
