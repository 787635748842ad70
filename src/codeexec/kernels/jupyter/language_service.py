"""Requests to a Jupyter kernel beside running code: completion, inspection, helper code."""

from __future__ import annotations

from collections.abc import Callable

from codeexec.domain.errors import Busy, CodeexecError, UsageError
from codeexec.domain.requests import Completeness, Completions, Inspection
from codeexec.kernels.base import Ready
from codeexec.kernels.jupyter.connection import KernelConnection
from codeexec.kernels.jupyter.greeting import QUESTION
from codeexec.kernels.jupyter.messages import replies
from codeexec.kernels.jupyter.messages.codec import Message
from codeexec.kernels.jupyter.messages.questions import mend_completion_code, parse_count
from codeexec.kernels.jupyter.pending import NO_ANSWER, TRY_LATER

IDLE_QUESTION = 30.0
"""Seconds in which an idle kernel answers: for the first completion it loads what it needs."""


class LanguageService:
    """Completing and Inspectable. `connection` gives the connection to the present process and
    raises KernelDied where there is none; `ready` gives what that process answered at its start.
    """

    def __init__(
        self, connection: Callable[[], KernelConnection], ready: Callable[[], Ready | None]
    ) -> None:
        self._connection = connection
        self._ready = ready
        self._mended: Ready | None = None

    async def complete(self, code: str, cursor: int) -> Completions:
        content: dict[str, object] = {"code": code, "cursor_pos": cursor}
        message = await self._ask_language("complete_request", content)
        completions = replies.completions(message.content, len(code), cursor)
        if not completions.matches and self._mended is not (ready := self._ready()):
            try:
                removed = await self._mend_completion()
            except Busy:
                return completions  # tried again with the next request
            self._mended = ready
            if removed:
                return await self.complete(code, cursor)
        return completions

    async def _mend_completion(self) -> bool:
        """Whether something was in the way of every completion, and is gone. Busy if the kernel
        does not answer."""
        try:
            return parse_count(await self.ask(mend_completion_code(), QUESTION)) > 0
        except Busy:
            raise
        except CodeexecError:
            return False  # a kernel of another language

    async def inspect(self, code: str, cursor: int, detail: int) -> Inspection:
        content: dict[str, object] = {"code": code, "cursor_pos": cursor, "detail_level": detail}
        message = await self._ask_language("inspect_request", content)
        return replies.inspection(message.content)

    async def is_complete(self, code: str) -> Completeness:
        message = await self._ask_language("is_complete_request", {"code": code})
        return replies.completeness(message.content)

    async def ask(self, code: str, deadline: float) -> str:
        """Run helper code in a Python kernel out of sight (no history, no prompt number, no
        output), beside running code where the kernel has subshells, and return the text that it
        hands to `answer`: see `guest/prelude.py`. Busy where that must wait, or after `deadline`
        seconds; UsageError where the code fails."""
        ready = self._ready()
        if ready is not None and ready.language != "python":
            raise UsageError(
                f"A {ready.language} kernel cannot be asked for its variables.",
                "Python kernels can.",
            )
        content = replies.comm_question(code)
        message = await self._ask_beside("comm_open", content, deadline)
        data = message.content.get("data")
        if not isinstance(data, dict) or not data.keys() & {"text", "error"}:
            # It was never told how to answer, as it was busy when we came.
            raise Busy(NO_ANSWER, TRY_LATER)
        if "error" in data:
            raise UsageError(f"The kernel could not answer: {data['error']}")
        return str(data["text"])

    async def _ask_language(self, kind: str, content: dict[str, object]) -> Message:
        connection = self._connection()
        if connection.is_busy:
            return await self._ask_beside(kind, content, QUESTION)
        try:
            return await self._ask_beside(kind, content, IDLE_QUESTION)
        except Busy:
            if connection.is_busy:
                raise
            raise Busy(
                f"The kernel did not answer for {IDLE_QUESTION:g} s, although it runs nothing.",
                "Try again, or restart the kernel.",
            ) from None

    async def _ask_beside(self, kind: str, content: dict[str, object], deadline: float) -> Message:
        ready = self._ready()
        subshells = ready is not None and ready.subshells
        return await self._connection().ask_beside(kind, content, deadline, subshells=subshells)
