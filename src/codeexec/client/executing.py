"""Runs code in a session to its end, and answers what it asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from codeexec.client.api import SessionClient
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import ExecutionFinished, SnapshotTaken, StdinRequested
from codeexec.domain.requests import AnswerStdin, CancelExecution, Execute
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.wire.codec import decode_snapshot


class Ended(NamedTuple):
    """`is_unanswered`: it was cancelled as it asked for more than there were answers."""

    end: ExecutionFinished
    is_unanswered: bool = False


async def run_to_end(
    session: SessionClient, request: Execute, answers: Sequence[str] | None = ()
) -> Ended:
    """Run code whose request has an id. With `answers` None its questions are left to others.
    CodeexecError where it cannot be run, or the session ends."""
    taken = await session.call(request)
    waiting = list(answers or ())
    answered_request = ""
    is_unanswered = False
    async for event in _follow(session, request.execution_id, taken.seq - 1):
        if isinstance(event, ExecutionFinished):
            return Ended(event, is_unanswered)
        if answers is None or event.request_id == answered_request:
            continue
        answered_request = event.request_id
        if waiting:
            await session.call(AnswerStdin(event.request_id, waiting.pop(0)))
        else:
            is_unanswered = True
            await session.call(CancelExecution(request.execution_id))
    raise CodeexecError("The session ended while the code ran.")


async def wait_for_end(session: SessionClient, execution_id: str) -> ExecutionFinished:
    """Wait for an execution that was queued before. CodeexecError if the session ends."""
    async for event in _follow(session, execution_id, 0):
        if isinstance(event, ExecutionFinished):
            return event
    raise CodeexecError("The session ended while the code ran.")


async def _follow(
    session: SessionClient, execution_id: str, after: int
) -> AsyncIterator[ExecutionFinished | StdinRequested]:
    """Questions of an execution and its end, also where a snapshot has come in place of them."""
    async for batch in session.events(after, "latest"):
        for event in (record.event for record in batch):
            match event:
                case StdinRequested() | ExecutionFinished():
                    if event.execution_id == execution_id:
                        yield event
                case SnapshotTaken():
                    view = decode_snapshot(event.state).executions.get(execution_id)
                    if view is not None and view.stdin is not None:
                        yield view.stdin
                    elif view is not None and not view.is_open:
                        yield _end(view)


def _end(view: ExecutionView) -> ExecutionFinished:
    assert view.status != "queued" and view.status != "running"
    return ExecutionFinished(view.execution_id, view.status, view.reason, view.error, view.ended_by)
