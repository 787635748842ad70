"""Completions and documentation for the code at the prompt."""

from __future__ import annotations

from typing import TypeAlias

from textual.widgets import TextArea

from codeexec.domain import requests as q
from codeexec.tui.panes.console.bars import AnswerBar
from codeexec.tui.panes.console.prompt.popup import CompletionPopup, DocsPopup
from codeexec.tui.panes.console.prompt.prompt import Prompt
from codeexec.tui.session.ask import NO_DOCS, NoticePosted
from codeexec.tui.session.requester import Requester

HelpMessage: TypeAlias = (
    Prompt.PromptCompletionRequested
    | Prompt.DocsRequested
    | Prompt.PopupKey
    | TextArea.Changed
    | CompletionPopup.Chosen
)


class PromptHelp:
    """Opens the popups above the prompt, and the bar that may be over it."""

    def __init__(
        self,
        requester: Requester,
        prompt: Prompt,
        bar: AnswerBar,
        completions: CompletionPopup,
        docs: DocsPopup,
    ) -> None:
        self._requester = requester
        self._prompt = prompt
        self._bar = bar
        self._completions = completions
        self._docs = docs

    def follow(self, message: HelpMessage) -> None:
        """Ask the kernel for help, or do what a key or a click means while a popup is open."""
        match message:
            case Prompt.PromptCompletionRequested():
                work = self._complete(message.code, message.cursor)
                self._requester.run(work, "ask", exclusive=True)
            case Prompt.DocsRequested():
                work = self._inspect(message.code, message.cursor)
                self._requester.run(work, "ask", exclusive=True)
            case Prompt.PopupKey():
                self._steer(message.key)
            case CompletionPopup.Chosen():
                self._take_completion()
            case TextArea.Changed():
                self.close()

    async def _complete(self, code: str, cursor: int) -> None:
        completion = await self._requester.ask_quietly(q.Complete(code, cursor))
        if completion is None or not completion.matches or not self._is_still_at(code, cursor):
            return
        if len(completion.matches) == 1:
            self._insert(completion.matches[0].text, completion.start, completion.end)
            return
        self._place(self._completions)
        self._completions.offer(completion.matches, completion.start, completion.end)
        self._prompt.has_popup = True

    async def _inspect(self, code: str, cursor: int) -> None:
        reply = await self._requester.ask(q.Inspect(code, cursor))
        if reply is not None and not reply.found:
            self._requester.post(NoticePosted(NO_DOCS))
        elif reply is not None and self._is_still_at(code, cursor):
            self._place(self._docs)
            self._docs.show(reply.text)
            self._prompt.has_popup = True

    def _is_still_at(self, code: str, cursor: int) -> bool:
        """Whether the prompt is as it was when the kernel was asked about it."""
        prompt = self._prompt
        return prompt.has_focus and prompt.text == code and prompt.cursor_offset == cursor

    def _place(self, popup: CompletionPopup | DocsPopup) -> None:
        bottom = self._prompt.size.height + self._bar.size.height * self._bar.display
        popup.styles.margin = (0, 0, max(bottom, 1), 6)

    def _insert(self, text: str, start: int, end: int) -> None:
        code = self._prompt.text
        self._prompt.text = code[:start] + text + code[end:]
        head = (code[:start] + text).split("\n")
        self._prompt.move_cursor((len(head) - 1, len(head[-1])))

    def _steer(self, key: str) -> None:
        """A key that was pressed while completions are open."""
        match key:
            case "up" | "down":
                self._completions.move(-1 if key == "up" else 1)
            case "escape":
                self.close()
            case _:
                self._take_completion()

    def _take_completion(self) -> None:
        """Insert the completion that is chosen."""
        chosen = self._completions.chosen
        self.close()
        if chosen is not None:
            self._insert(chosen.text, self._completions.start, self._completions.end)
        self._prompt.focus()

    def close(self) -> None:
        if self._completions.display or self._docs.display:
            self._completions.close()
            self._docs.close()
        self._prompt.has_popup = False
