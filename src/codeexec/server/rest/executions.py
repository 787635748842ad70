"""Programs of a session that clients start by its name: Python, binaries, each language we know."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from typing import Literal

from msgspec import Struct

from codeexec.domain import requests as q
from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.options import PROGRAMS, ExecuteOptions, ProgramOptions
from codeexec.domain.snapshot import ExecutionView
from codeexec.languages.catalog import by_name
from codeexec.languages.plan import has_programs
from codeexec.server.rest.lookup import new_execution_id
from codeexec.server.rest.output_text import read_output
from codeexec.server.rest.polling import find_view
from codeexec.server.rest.routes import client
from codeexec.server.rest.workspace_paths import file_path
from codeexec.session.session import Session

NAME = "service"
START_SECONDS = 10.0
"""Seconds that an answer waits for the process whose number it tells."""

_SHELL = f"{PROGRAMS}:bash"
_LOOK = 0.02

ProgramState = Literal["queued", "running", "completed", "failed"]
_STATES: dict[str, ProgramState] = {"queued": "queued", "running": "running", "ok": "completed"}


class ExecutionRequest(Struct, frozen=True):
    """`code` is written to `file_path` and run from there; without code the file is run as it is.
    The path lies in the session's folder, which is also called `/workspace`. The session is opened
    when there is none of this name. `language` is the one in the address."""

    session_id: str
    code: str = ""
    file_path: str = ""
    args: tuple[str, ...] = ()
    language: str = ""


class BinaryRequest(Struct, frozen=True):
    """`binary_path` lies in the session's folder, which is also called `/workspace`."""

    session_id: str
    binary_path: str
    args: tuple[str, ...] = ()


class ProgramAccepted(Struct, frozen=True):
    """`pid` is null where the program has no process: it waits for another one of the session, or
    is over."""

    execution_id: str
    status: ProgramState
    pid: int | None


class ProgramStatus(Struct, frozen=True):
    """A program now, with all that it has written. Its standard error comes by the same terminal
    as its output. `exit_code` is null while it runs."""

    execution_id: str
    status: ProgramState
    stdout: str
    stderr: str
    exit_code: int | None
    pid: int | None


async def run_language(
    session: Session, language_name: str, request: ExecutionRequest, timeout: float
) -> ProgramAccepted:
    """Run code as a program of this language. NotFound for an unknown language, UsageError for
    one that is not run, or for neither code nor file."""
    language = by_name(language_name)
    if not request.code and not request.file_path:
        raise UsageError("There is nothing to run.", "Give `code`, `file_path`, or both.")
    root = str(session.environment.base_paths.workspace)
    execution_id = new_execution_id(session)
    path = file_path(request.file_path, root) if request.file_path else ""
    if language.name == "python" and not path:
        path = f".executions/{execution_id}.py"
    if path and request.code:
        await session.call(q.WriteFile(path, request.code.encode("utf-8", "replace")), client(NAME))
    elif path:
        await _require_file(session, path)
    if language.name == "python":
        command = ["python3", "-u", f"./{path}", *request.args]
        return await _run_command(session, execution_id, command, timeout)
    if not has_programs(language):
        raise UsageError(f"{language.title} files are not run.", "Choose another language.")
    program = ProgramOptions(file=path, arguments=request.args)
    options = ExecuteOptions(
        kernel=f"{PROGRAMS}:{language.name}",
        program=program,
        timeout=timeout or None,
        stop_on_error=False,
    )
    code = "" if path else request.code
    await session.call(q.Execute(code, execution_id, options=options), client(NAME))
    return await _started(session, execution_id)


async def run_binary(session: Session, request: BinaryRequest, timeout: float) -> ProgramAccepted:
    """Run a program that was built before. NotFound where there is no such file."""
    path = file_path(request.binary_path, str(session.environment.base_paths.workspace))
    await _require_file(session, path)
    execution_id = new_execution_id(session)
    return await _run_command(session, execution_id, [f"./{path}", *request.args], timeout)


async def program_status(session: Session, view: ExecutionView) -> ProgramStatus:
    text = await read_output(session, view)
    pid = _pid(session, view) if view.status == "running" else None
    return ProgramStatus(
        view.execution_id, _state(view), text.stdout, text.stderr, _exit_code(view), pid
    )


async def _require_file(session: Session, path: str) -> None:
    file = await session.open_file(path)
    await file.close()


async def _run_command(
    session: Session, execution_id: str, command: list[str], timeout: float
) -> ProgramAccepted:
    if any("\0" in word for word in command):
        raise UsageError("An argument holds a NUL character.", "Remove it.")
    # `exec`: the program has the number of the process that we tell, and gets its signals.
    options = ExecuteOptions(kernel=_SHELL, timeout=timeout or None, stop_on_error=False)
    code = f"exec {shlex.join(command)}"
    await session.call(q.Execute(code, execution_id, options=options), client(NAME))
    return await _started(session, execution_id)


async def _started(session: Session, execution_id: str) -> ProgramAccepted:
    """The execution once it has a process, is over, or waits for another one."""
    pid: int | None = None
    with session.execution_watch.watching(execution_id) as changed:
        view = find_view(session, execution_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while view.is_open and pid is None and not _waits(session, view):
                    changed.clear()
                    with contextlib.suppress(TimeoutError):
                        # That a process is there is no event.
                        await asyncio.wait_for(changed.wait(), _LOOK)
                    view = find_view(session, execution_id)
                    pid = _pid(session, view)
    return ProgramAccepted(execution_id, _state(view), pid if view.is_open else None)


def _waits(session: Session, view: ExecutionView) -> bool:
    """Whether something else runs on its kernel."""
    running = session.snapshot.running_on(view.kernel)
    return view.status == "queued" and running is not None


def _pid(session: Session, view: ExecutionView) -> int | None:
    if view.status != "running":
        return None
    try:
        kernel = session.slots.get(view.kernel).supervisor.kernel
    except NotFound:
        return None  # its kernel was removed
    return kernel.pid if kernel is not None else None


def _state(view: ExecutionView) -> ProgramState:
    return _STATES.get(view.status, "failed")


def _exit_code(view: ExecutionView) -> int | None:
    if view.is_open:
        return None
    if view.steps:
        return view.steps[-1].code
    return 0 if view.status == "ok" else 1
