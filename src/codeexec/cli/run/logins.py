"""What a login to another machine asks, put to the user of `run` in the terminal."""

from __future__ import annotations

from contextlib import suppress

from codeexec.cli.streams.console import RunConsole
from codeexec.client.api import SessionClient
from codeexec.domain.errors import Conflict, UsageError
from codeexec.domain.places.logins import NO, YES, LoginQuestion
from codeexec.domain.requests import AnswerLogin


async def answer_login(
    question: LoginQuestion, session: SessionClient, console: RunConsole
) -> None:
    """Ask on the terminal as `ssh` does; without one the login is given up, as stdin is the input
    of the code."""
    prompt, text = question.prompt, None
    if prompt.printed:
        console.say(prompt.printed)
    if prompt.kind == "wait":
        console.say(prompt.text)
        return
    if console.keyboard.is_terminal:
        with suppress(UsageError):  # it runs in the background
            is_secret = prompt.kind == "secret"
            text = await console.ask(f"{prompt.text} ", hidden=is_secret)
    if text is not None and prompt.kind == "confirm":
        text = YES if text.strip().lower() in (YES, "y") else NO
    with suppress(Conflict):  # its time is over, or another client was faster
        await session.call(AnswerLogin(question.question_id, text, "run"))
