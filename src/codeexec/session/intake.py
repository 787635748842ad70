"""What a kernel says, made into facts: rows of text, displays with their content stored."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable

from codeexec.domain.events import (
    AnyEvent,
    DisplayUpdated,
    ImagePullAdvanced,
    InputCounted,
    NoticeGiven,
    OutputChanged,
    StdinRequested,
)
from codeexec.domain.ids import new_id
from codeexec.domain.outputs import Display
from codeexec.domain.snapshot import ExecutionView
from codeexec.kernels import base as says
from codeexec.session.artifacts import BlobStore
from codeexec.session.output import OutputDocument

log = logging.getLogger(__name__)

KEPT_DOCUMENTS = 64
"""Executions whose last rows can still be rewritten by output that comes late."""


class Intake:
    """`find` looks up an execution by its id. `finish` is asked for the fact that ends an
    execution (or for none)."""

    def __init__(
        self,
        find: Callable[[str], ExecutionView | None],
        blobs: BlobStore,
        finish: Callable[[says.Finished], list[AnyEvent]],
    ) -> None:
        self._find = find
        self._blobs = blobs
        self._finish = finish
        self._documents: dict[str, OutputDocument] = {}
        self._dirty: dict[str, OutputDocument] = {}

    def take(self, facts: Iterable[says.Fact]) -> list[AnyEvent]:
        """The facts in order; output of an execution stands before its end."""
        events: list[AnyEvent] = []
        for fact in facts:
            match fact:
                case says.Wrote():
                    if document := self._open(fact.execution):
                        document.write(fact.stream, fact.text)
                case says.Displayed():
                    if document := self._open(fact.execution):
                        document.show(self._display(fact))
                case says.Raised():
                    if document := self._open(fact.execution):
                        document.fail(fact.error)
                case says.OutputCleared():
                    if document := self._open(fact.execution):
                        document.clear(fact.wait)
                case says.Started():
                    if fact.count is not None:
                        events.append(InputCounted(fact.execution, fact.count))
                case says.DisplayRefreshed():
                    events += self._flush()
                    events.append(self._refresh(fact))
                case says.InputRequested():
                    events += self._flush()
                    events.append(
                        StdinRequested(new_id("input"), fact.execution, fact.prompt, fact.password)
                    )
                case says.Finished():
                    events += self._flush()
                    events += self._finish(fact)
                case says.Told():
                    events += self._flush()
                    events.append(NoticeGiven(fact.level, fact.title, fact.message, fact.next_step))
                case says.Pulled():
                    events.append(
                        ImagePullAdvanced(
                            fact.image, fact.layers_done, fact.layers, fact.done, fact.total
                        )
                    )
                case says.Died():
                    events += self._flush()
        return events + self._flush()

    def _open(self, execution_id: str) -> OutputDocument | None:
        document = self._documents.get(execution_id)
        if document is None:
            view = self._find(execution_id)
            if view is None:
                log.debug("output of unknown execution %s", execution_id)
                return None
            document = OutputDocument(first_row=view.total)
            self._documents[execution_id] = document
            if len(self._documents) > KEPT_DOCUMENTS:
                del self._documents[next(iter(self._documents))]
        self._dirty[execution_id] = document
        return document

    def _flush(self) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for execution_id, document in self._dirty.items():
            patch = document.take_patch()
            if patch is not None:
                events.append(
                    OutputChanged(
                        execution_id, patch.start, patch.total, patch.runs, patch.unfinished
                    )
                )
        self._dirty.clear()
        return events

    def _display(self, fact: says.Displayed) -> Display:
        return Display(
            key=secrets.token_hex(6),
            parts=self._blobs.make_parts(fact.data),
            role=fact.role,
            display_id=fact.display_id,
            count=fact.count,
            metadata=dict(fact.metadata),
        )

    def _refresh(self, fact: says.DisplayRefreshed) -> DisplayUpdated:
        parts = self._blobs.make_parts(fact.data)
        metadata = dict(fact.metadata)
        for document in self._documents.values():
            document.update_display(fact.display_id, parts, metadata)
        return DisplayUpdated(fact.display_id, parts, metadata)
