"""Reads what a session has recorded: executions, rows and displays; searches rows and history."""

from __future__ import annotations

from codeexec.domain import requests as q
from codeexec.domain.errors import NotFound
from codeexec.domain.snapshot import ExecutionView
from codeexec.environments.budget import Budget, beside_loop
from codeexec.session.storage.event_log import EventLog
from codeexec.session.storage.history import HistoryStore

MAX_ROWS = 5000
SEARCH_SECONDS = 20.0


class SessionRecords:
    """NotFound for an execution that the session never had."""

    def __init__(
        self, recorder: EventLog, history: HistoryStore, *, adds_history: bool = True
    ) -> None:
        """`adds_history`: executions are added to the history, which outlives the session."""
        self._adds_history = adds_history
        self._recorder = recorder
        self._history = history

    def read(
        self, request: q.ReadRows | q.ReadExecution | q.ListExecutions | q.ListDisplays
    ) -> q.Reply:
        journal = self._recorder.journal
        match request:
            case q.ReadRows():
                self._recorder.require(request.execution_id)
                count = min(request.count, MAX_ROWS)
                return journal.rows(request.execution_id, request.start, count, whole=request.whole)
            case q.ReadExecution():
                view = self._recorder.find(request.execution_id)
                if view is None:
                    raise NotFound(f"There is no execution {request.execution_id} in this session.")
                return q.ExecutionState(view, self._recorder.snapshot.seq)
            case q.ListExecutions():
                if request.document:
                    return journal.runs.of_cells(request.document)
                return journal.runs.views(request.before, request.limit)
            case q.ListDisplays():
                return journal.runs.displays(request.before, request.limit)

    async def search(self, request: q.SearchRows | q.SearchHistory) -> q.Reply:
        """Beside the loop: it may read all that was ever put out."""
        budget = Budget(SEARCH_SECONDS, "The search")
        if isinstance(request, q.SearchRows):
            if request.execution_id:
                self._recorder.require(request.execution_id)
            search_rows = self._recorder.journal.search
            return await beside_loop(budget, lambda: search_rows(request, budget.check))
        snapshot = self._recorder.snapshot
        only = snapshot.session_id if request.this_session else ""
        search = self._history.search
        return q.History(
            await beside_loop(
                budget,
                lambda: search(request.pattern, request.limit, only, budget.check, snapshot.owner),
            )
        )

    def remember(self, view: ExecutionView) -> None:
        """Add an execution to the history, or its status."""
        if self._adds_history and view.options.store_history and not view.options.silent:
            snapshot = self._recorder.snapshot
            self._history.add(
                q.HistoryEntry(
                    snapshot.session_id, view.execution_id, view.queued_at, view.code, view.status
                ),
                snapshot.owner,
            )
