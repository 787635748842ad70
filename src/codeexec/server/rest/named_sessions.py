"""HTTP paths whose body names the session: execute, build, files. It is opened on first use."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import FastAPI, Request
from msgspec import Struct
from starlette.responses import Response

from codeexec.domain import requests as q
from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.ids import is_session_id
from codeexec.server.access.user_host import UserHost
from codeexec.server.rest.bodies import read_json
from codeexec.server.rest.builds import BuildAnswer, BuildRequest, build
from codeexec.server.rest.executions import (
    NAME,
    BinaryRequest,
    ExecutionRequest,
    ProgramAccepted,
    ProgramStatus,
    program_status,
    run_binary,
    run_language,
)
from codeexec.server.rest.lookup import find_execution, find_open, open_workspace
from codeexec.server.rest.polling import is_known, not_modified, tag_of, wait_for_change
from codeexec.server.rest.replies import answer
from codeexec.server.rest.routes import Route, client
from codeexec.server.rest.workspace_paths import file_path, workspace_path
from codeexec.server.service_settings import ServiceSettings
from codeexec.session.session import Session

Encoding = Literal["utf-8", "base64"]
_ROOT = "/v1/sessions"


class FileToWrite(Struct, frozen=True):
    """`content` is the text of the file, or its bytes as base64."""

    session_id: str
    path: str
    content: str
    encoding: Encoding = "utf-8"


class FileWritten(Struct, frozen=True):
    """`path` is that of the request."""

    path: str
    size: int


class FileToRead(Struct, frozen=True):
    """`path` lies in the session's folder, which is also called `/workspace`."""

    session_id: str
    path: str


class FileAnswer(Struct, frozen=True):
    """The content is empty where there is no file, and base64 where the file is not UTF-8."""

    content: str
    exists: bool
    encoding: Encoding = "utf-8"


class FolderToList(Struct, frozen=True):
    """`path` is another name of `directory`."""

    session_id: str
    directory: str = ""
    path: str = ""


class FolderFiles(Struct, frozen=True):
    """Files and folders in it, not those below."""

    files: tuple[q.FileEntry, ...]


ROUTES = (
    Route(
        "POST",
        f"{_ROOT}/execute/binary",
        "Run a program that was built",
        BinaryRequest,
        ProgramAccepted,
    ),
    Route(
        "POST",
        f"{_ROOT}/execute/{{language}}",
        "Run code as a program of this language",
        ExecutionRequest,
        ProgramAccepted,
    ),
    Route("POST", f"{_ROOT}/build/cpp", "Compile C or C++", BuildRequest, BuildAnswer),
    Route("POST", f"{_ROOT}/files/write", "Write a file", FileToWrite, FileWritten),
    Route("POST", f"{_ROOT}/files/read", "Read a file", FileToRead, FileAnswer),
    Route("POST", f"{_ROOT}/files/list", "List a folder", FolderToList, FolderFiles),
)
STATUS_PATH = f"{_ROOT}/executions/{{execution_id}}"
ANSWERS: dict[tuple[str, str], type[Struct]] = {("get", STATUS_PATH): ProgramStatus}


def add(app: FastAPI, host: UserHost, settings: ServiceSettings) -> None:
    """Hang the paths into the app, behind those whose address names the session."""

    async def execute_binary(request: Request) -> Response:
        body = await read_json(request, BinaryRequest)
        session = await _session_for_program(host, body.session_id)
        return answer(await run_binary(session, body, settings.binary_max_runtime))

    async def execute_language(language: str, request: Request) -> Response:
        body = await read_json(request, ExecutionRequest)
        session = await _session_for_program(host, body.session_id)
        is_python = language.lower() in ("python", "py")
        seconds = settings.python_max_runtime if is_python else settings.binary_max_runtime
        return answer(await run_language(session, language, body, seconds))

    async def build_cpp(request: Request) -> Response:
        body = await read_json(request, BuildRequest)
        session = await _session_for_program(host, body.session_id)
        return answer(await build(session, body, settings.cpp_build_timeout))

    async def write_named_file(request: Request) -> Response:
        body = await read_json(request, FileToWrite)
        data = _decoded(body)
        session = await _session(host, body.session_id)
        await session.call(q.WriteFile(file_path(body.path, _root(session)), data), client(NAME))
        return answer(FileWritten(body.path, len(data)))

    async def read_named_file(request: Request) -> Response:
        body = await read_json(request, FileToRead)
        session = await _session(host, body.session_id)
        path = file_path(body.path, _root(session))
        try:
            content = await session.call(q.ReadFile(path), client(NAME))
        except NotFound:
            return answer(FileAnswer("", exists=False))
        return answer(_encoded(content.data))

    async def list_named_folder(request: Request) -> Response:
        body = await read_json(request, FolderToList)
        session = await _session(host, body.session_id)
        path = workspace_path(body.directory or body.path, _root(session))
        listed = await session.call(q.ListFiles(path), client(NAME))
        return answer(FolderFiles(listed.entries))

    async def named_execution(execution_id: str, request: Request) -> Response:
        session = await find_execution(host, execution_id)
        view = await wait_for_change(session, execution_id, request)
        tag = tag_of(view)
        if is_known(request, tag):
            return not_modified(tag)
        return answer(await program_status(session, view), headers={"ETag": tag})

    endpoints: tuple[Callable[..., Awaitable[Response]], ...] = (
        execute_binary,
        execute_language,
        build_cpp,
        write_named_file,
        read_named_file,
        list_named_folder,
    )
    for route, endpoint in zip(ROUTES, endpoints, strict=True):
        route.add(app, endpoint)
    app.get(STATUS_PATH, summary="A program, and its output", response_class=Response)(
        named_execution
    )


async def _session(host: UserHost, name: str) -> Session:
    if not name:
        raise UsageError("The session has no name.", "Give `session_id`, such as session-1.")
    if is_session_id(name) and find_open(host, name) is None:
        # An id is of a session that has ended, or that is another user's: it is no new name.
        raise NotFound(f"There is no open session {name}.", "Choose a name, such as session-1.")
    return await open_workspace(host, name, start_kernel=False)


async def _session_for_program(host: UserHost, name: str) -> Session:
    session = await _session(host, name)
    session.check_program(client(NAME))
    return session


def _root(session: Session) -> str:
    return str(session.environment.base_paths.workspace)


def _decoded(body: FileToWrite) -> bytes:
    if body.encoding == "utf-8":
        return body.content.encode("utf-8", "replace")
    try:
        return base64.b64decode(body.content, validate=True)
    except ValueError as error:  # also characters that are not ASCII
        raise UsageError(f"`content` is not base64: {error}.", "Encode it.") from error


def _encoded(data: bytes) -> FileAnswer:
    try:
        return FileAnswer(data.decode("utf-8"), exists=True)
    except UnicodeDecodeError:
        return FileAnswer(base64.b64encode(data).decode(), exists=True, encoding="base64")
