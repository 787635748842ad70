"""Long-running operations: kernels and executions with states to poll, at paths of their own.

The paths, names and words are those of a system whose clients are to run unchanged. A kernel is a
session in a folder of its own; sessions that were opened elsewhere can be used by their id.
"""

from __future__ import annotations

import os
from typing import Literal

from fastapi import FastAPI, Request
from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import Response

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, NotFound, Unavailable, UsageError
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.wire.frames import Problem
from codeexec.server.access.user_host import UserHost
from codeexec.server.logs.request_id import current_request_id
from codeexec.server.rest.bodies import WrongFields, read_json
from codeexec.server.rest.lookup import (
    find_execution,
    find_open,
    new_execution_id,
    open_workspace,
)
from codeexec.server.rest.output_text import read_output
from codeexec.server.rest.polling import (
    is_known,
    not_modified,
    tag_of,
    wait_for_change,
    wait_for_end,
    wait_seconds,
)
from codeexec.server.rest.replies import answer, status_of
from codeexec.server.rest.routes import Route, client
from codeexec.session.session import Session

NAME = "operations"

State = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED"]
_STATES: dict[str, State] = {"queued": "PENDING", "running": "RUNNING", "ok": "COMPLETED"}


class NewKernel(Struct, frozen=True):
    """Nothing is asked for: each kernel is Python, in a folder of its own."""


class KernelStarted(Struct, frozen=True):
    """The kernel starts; code may be sent at once."""

    id: str


class CodeSubmission(Struct, frozen=True):
    """`id` is that of the kernel. The code is not blank."""

    id: str
    code: str


class CodeSubmitted(Struct, frozen=True):
    """The code runs when the kernel is free."""

    execution_id: str


class KernelEnding(Struct, frozen=True):
    """`id` is that of the kernel."""

    id: str


class KernelEnded(Struct, frozen=True):
    """The kernel and its session have ended; what was run there can still be read."""

    message: str


class OperationOutput(Struct, frozen=True):
    """All output so far. `result` is the text of the value of the last expression, `error` is
    `Name: value` of the exception or why it did not run to its end. `status` is `ok` unless the
    execution failed, then `error`."""

    stdout: str
    stderr: str
    result: str | None
    error: str | None
    traceback: tuple[str, ...]
    execution_count: int | None
    status: Literal["ok", "error"]


class OperationStatus(Struct, frozen=True):
    """An execution now. Times are in seconds since 1970, null before they have come. `results` is
    `output` under another name, `error` the one in it."""

    execution_id: str
    kernel_id: str
    status: State
    created_at: float
    started_at: float | None
    completed_at: float | None
    output: OperationOutput
    results: OperationOutput
    error: str | None


class Alive(Struct, frozen=True):
    """The server answers."""

    status: str


class _DetailedProblem(Problem, frozen=True):
    """A problem with its words as `detail` too."""

    detail: object = ""
    request_id: str = ""


ROUTES = (
    Route("POST", "/start_kernel", "Start a kernel", NewKernel, KernelStarted),
    Route("POST", "/execute_code", "Queue code on a kernel", CodeSubmission, CodeSubmitted),
    Route("POST", "/shutdown_kernel", "End a kernel", KernelEnding, KernelEnded),
)
STATUS_PATH = "/execution_status/{execution_id}"
ANSWERS: dict[tuple[str, str], type[Struct]] = {
    ("get", STATUS_PATH): OperationStatus,
    ("get", "/health"): Alive,
    ("get", "/ready"): Alive,
}


def add(app: FastAPI, host: UserHost) -> None:
    """Hang the paths into the app."""

    async def start_kernel(request: Request) -> Response:
        return answer(KernelStarted((await open_workspace(host)).session_id))

    async def execute_code(request: Request) -> Response:
        try:
            body = await read_json(request, CodeSubmission)
            if not body.code.strip():
                return _invalid("code", "Value error, code must not be blank")
        except WrongFields as error:
            return _invalid("body", error.message.removesuffix("."))
        session = find_open(host, body.id)
        if session is None:
            return _not_found("Kernel not found")
        seconds = wait_seconds(request)
        options = ExecuteOptions(allow_stdin=False, stop_on_error=False)
        execution_id = new_execution_id(session)
        await session.call(q.Execute(body.code, execution_id, options=options), client(NAME))
        if not seconds:
            return answer(CodeSubmitted(execution_id))
        view = await wait_for_end(session, execution_id, request, seconds)
        headers = {"Content-Location": f"/execution_status/{execution_id}"}
        if view.is_open:
            headers["ETag"] = tag_of(_shown(view))
        return answer(await _status(session, view), headers=headers)

    async def execution_status(execution_id: str, request: Request) -> Response:
        try:
            session = await find_execution(host, execution_id)
        except NotFound:
            return _not_found("Execution not found")
        view = await wait_for_change(session, execution_id, request, shown=_shown)
        tag = tag_of(_shown(view))
        if is_known(request, tag):
            return not_modified(tag)
        return answer(await _status(session, view), headers={"ETag": tag})

    async def shutdown_kernel(request: Request) -> Response:
        try:
            body = await read_json(request, KernelEnding)
        except WrongFields as error:
            return _invalid("body", error.message.removesuffix("."))
        session = find_open(host, body.id)
        if session is None:
            return _not_found("Kernel not found")
        await host.call(q.StopSession(session.session_id))
        return answer(KernelEnded(f"Kernel {body.id} shutdown"))

    async def health() -> Response:
        return answer(Alive("ok"))

    async def ready() -> Response:
        folder = host.state / "sessions"
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Unavailable(f"{folder} cannot be written.", "Look at the folder and its disk.")
        if not (await host.call(q.ListKernels(str(host.state)))).kernels:
            raise Unavailable("There is no kernel to start.", "Install one: pip install ipykernel")
        return answer(Alive("ready"))

    endpoints = (start_kernel, execute_code, shutdown_kernel)
    for route, endpoint in zip(ROUTES, endpoints, strict=True):
        route.add(app, endpoint)
    app.get(STATUS_PATH, summary="An execution's state, and its output", response_class=Response)(
        execution_status
    )
    app.get("/health", summary="Does it answer?", response_class=Response)(health)
    app.get("/ready", summary="Can kernels be started?", response_class=Response)(ready)


def _shown(view: ExecutionView) -> ExecutionView:
    """What a status tells of an execution: its number once it is over, as a client that waits for
    a change would else be answered with the same status twice."""
    return replace(view, count=None) if view.is_open else view


async def _status(session: Session, view: ExecutionView) -> OperationStatus:
    text = await read_output(session, view)
    state = _STATES.get(view.status, "FAILED")
    error: str | None = None
    if view.error is not None:
        error = f"{view.error.name}: {view.error.value}" if view.error.value else view.error.name
    elif state == "FAILED":
        error = view.reason or f"The execution ended as {view.status}."
    output = OperationOutput(
        text.stdout,
        text.stderr,
        text.result,
        error,
        tuple(plain(line) for line in view.error.traceback) if view.error is not None else (),
        None if view.is_open else view.count,
        "error" if state == "FAILED" else "ok",
    )
    return OperationStatus(
        view.execution_id,
        session.session_id,
        state,
        view.queued_at,
        view.started_at,
        view.finished_at,
        output,
        output,
        error,
    )


def _not_found(message: str) -> Response:
    return _problem(NotFound(message), message)


def _invalid(field: str, message: str) -> Response:
    detail = [{"type": "value_error", "loc": ["body", field], "msg": message}]
    return _problem(UsageError(f"{message}.", "See /docs."), detail, 422)


def _problem(error: CodeexecError, detail: object, status: int = 0) -> Response:
    problem = Problem.of(error)
    return answer(
        _DetailedProblem(
            problem.code,
            problem.title,
            problem.message,
            problem.next_step,
            detail,
            current_request_id(),
        ),
        status or status_of(error),
    )
