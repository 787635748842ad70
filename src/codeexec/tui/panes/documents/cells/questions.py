"""Completions and documentation for editors: from the kernel, else from the open documents."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from codeexec.domain import requests as q
from codeexec.tui.panes.documents.cells.word_completion import words_like
from codeexec.tui.panes.documents.context import PaneContext
from codeexec.tui.panes.documents.document_list import DocumentList
from codeexec.tui.panes.documents.host import PaneHost
from codeexec.tui.panes.editor.marks import CompletionItem
from codeexec.tui.panes.editor.messages import CodeQuestion
from codeexec.tui.panes.editor.text.motions import identifier_before
from codeexec.tui.render.kernel_words import language_title
from codeexec.tui.session.ask import NO_DOCS, NoticePosted, ask, ask_quietly

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_NEAR = 2000
"""Lines before and after the cursor in which words are looked for: all of 50,000 would take 20 ms
from the keyboard, thread or not."""
_PART = 500
"""Lines that are searched at once: 0.2 ms, in which a thread keeps the interpreter."""


class KernelQuestions:
    """Each question takes the place of the one before it."""

    def __init__(self, host: PaneHost, context: PaneContext, documents: DocumentList) -> None:
        self._host = host
        self._context = context
        self._documents = documents

    def complete(self, sheet: DocumentView, question: CodeQuestion) -> None:
        """Show completions in the document's editor."""
        self._host.run_worker(self._complete(sheet, question), group="complete", exclusive=True)

    async def _complete(self, sheet: DocumentView, question: CodeQuestion) -> None:
        kernel, completion = self._context.kernel_here(sheet), None
        if kernel:
            request = q.Complete(question.code, question.offset, kernel)
            completion = await ask_quietly(self._context.session, request)
        if completion is not None and completion.matches:
            items = [CompletionItem(match.text, match.type) for match in completion.matches]
            sheet.editor.completion.show(items, question.location(completion.start), question)
        else:
            await self._complete_from_text(sheet, question, is_final=completion is not None)

    async def _complete_from_text(
        self, sheet: DocumentView, question: CodeQuestion, *, is_final: bool
    ) -> None:
        """The kernel is busy, or knows nothing: what is written in the open documents may."""
        word = identifier_before(question.code[: question.offset], question.offset)
        is_python = sheet.editor.model.language_here.name == "python"
        texts = [text for document in self._documents for text in _near_cursor(document)]
        items = await asyncio.to_thread(words_like, word, texts, python=is_python)
        start = question.location(question.offset - len(word))
        sheet.editor.completion.show(items, start, question, is_final=is_final)

    def inspect(self, sheet: DocumentView, question: CodeQuestion) -> None:
        """Show documentation of the name at the cursor in the document's editor."""
        self._host.run_worker(self._inspect(sheet, question), group="complete", exclusive=True)

    async def _inspect(self, sheet: DocumentView, question: CodeQuestion) -> None:
        kernel = self._context.kernel_here(sheet)
        if not kernel:
            title = language_title(self._context.language_here(sheet))
            notice = f"No kernel runs {title} yet: run a cell of it to start one."
            self._host.post_message(NoticePosted(notice))
            return
        request = q.Inspect(question.code, question.offset, kernel=kernel)
        reply = await ask(self._host, self._context.session, request)
        if reply is not None and reply.found:
            sheet.editor.completion.show_docs(reply.text, question)
        elif reply is not None:
            self._host.post_message(NoticePosted(NO_DOCS))


def _near_cursor(sheet: DocumentView) -> Iterator[str]:
    model = sheet.editor.model
    line = model.cursor.line
    lines = model.lines[max(line - _NEAR, 0) : line + _NEAR]
    return ("\n".join(lines[at : at + _PART]) for at in range(0, len(lines), _PART))
