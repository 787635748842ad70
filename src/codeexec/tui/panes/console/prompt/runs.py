"""Runs of what is typed at the prompt, once it is complete."""

from __future__ import annotations

import asyncio

from codeexec.domain import requests as q
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.panes.console.view import ConsoleView
from codeexec.tui.session.ask import CommandRequested
from codeexec.tui.session.requester import Requester

_PATIENCE = 0.4
"""Seconds that Enter waits for the kernel's word on whether code is complete."""


class PromptRuns:
    """`me` is the name of this client."""

    def __init__(self, requester: Requester, prompt: Prompt, view: ConsoleView, me: str) -> None:
        prompt.run = self._run
        self._requester = requester
        self._prompt = prompt
        self._view = view
        self._me = me
        self.is_dead = False
        """The kernel has ended: Enter in an empty prompt starts another."""

    def follow(self, message: Prompt.Submitted | Prompt.EmptySubmitted | Prompt.Undecided) -> None:
        """Do what Enter means."""
        match message:
            case Prompt.Submitted():
                self._view.cursor.selected = None
                self._view.go_to_end()
            case Prompt.Undecided():
                self._requester.run(self._decide(message.code), "decide", exclusive=True)
            case Prompt.EmptySubmitted():
                if self.is_dead:
                    command = self._view.kernel_note.start_command
                    self._requester.post(CommandRequested(command))
                elif (card := self._view.card_list.running) and card.offers_terminal:
                    self._requester.post(ConsoleMessages.TerminalRequested(card.view))

    def _run(self, code: str) -> None:
        reply = self._requester.ask_now(q.Execute(code, origin=self._me))
        self._requester.run(reply, "execute")

    async def _decide(self, code: str) -> None:
        """Run, or go on in a new line; a kernel that does not answer in time is not waited for."""
        try:
            async with asyncio.timeout(_PATIENCE):
                reply = await self._requester.ask_quietly(q.IsComplete(code))
        except TimeoutError:
            reply = None
        if self._prompt.text != code:
            return
        if reply is not None and reply.status == "incomplete":
            self._prompt.break_line(reply.indent)
        else:
            self._prompt.submit()
