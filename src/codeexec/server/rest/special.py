"""HTTP paths that are more than one request of the protocol: bytes, streams and wholes."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from msgspec import Struct
from starlette.responses import Response, StreamingResponse

from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound, UsageError
from codeexec.domain.events import Artifact
from codeexec.domain.snapshot import ExecutionView
from codeexec.domain.wire.checks import check_integer, check_request
from codeexec.domain.wire.codec import encode
from codeexec.environments.base import OpenFile
from codeexec.server.access.user_host import UserHost
from codeexec.server.rest.event_stream import event_stream, is_event_stream, last_event
from codeexec.server.rest.polling import is_known, not_modified, tag_of, wait_for_change
from codeexec.server.rest.replies import answer, content, content_headers
from codeexec.server.rest.routes import SESSION, client
from codeexec.session.output.export import FORMS, export
from codeexec.session.session import Session

_PIECE = 256 * 1024
"""Bytes of a file that are read at a time."""

_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp", "text/plain")
"""Types that are shown and not downloaded: they run nothing."""


class Health(Struct, frozen=True):
    status: str


class ExecutionRows(Struct, frozen=True):
    """An execution now, with the rows that were asked for."""

    execution: ExecutionView
    rows: q.Rows


class ArtifactList(Struct, frozen=True):
    artifacts: tuple[Artifact, ...]


def add(app: FastAPI, host: UserHost) -> None:
    """Hang the paths into the app."""
    _add_wholes(app, host)
    _add_bytes(app, host)
    _add_streams(app, host)


def _add_wholes(app: FastAPI, host: UserHost) -> None:
    @app.get("/v1/health", summary="Is it up?", response_class=Response)
    async def health() -> Response:
        return answer(Health("ok"))

    @app.get("/v1/limits", summary="Limits, and what is used of them", response_class=Response)
    async def get_limits() -> Response:
        return answer(await host.limits())

    @app.get(SESSION, summary="A session as it is now", response_class=Response)
    async def get_session(session: str) -> Response:
        target = await host.find_session(session)
        await target.kernels.variables.catch_up()
        return answer(target.snapshot)

    @app.post(f"{SESSION}/stop", summary="End a session and its kernel", response_class=Response)
    async def stop_session(session: str) -> Response:
        done = await host.call(q.StopSession(session))
        return answer(done)

    @app.delete(SESSION, summary="Delete an ended session", response_class=Response)
    async def remove_session(session: str) -> Response:
        done = await host.call(q.RemoveSession(session))
        return answer(done)

    @app.get(
        f"{SESSION}/executions/{{execution_id}}",
        summary="An execution as it is now, with output from row `start` on",
        response_class=Response,
    )
    async def get_execution(
        session: str, execution_id: str, request: Request, start: int = 0, count: int = 1000
    ) -> Response:
        target = await host.find_session(session)
        check_request(q.ReadRows(execution_id, start, count))
        form = f"{start} {count}"
        view = await wait_for_change(target, execution_id, request, form)
        tag = tag_of(view, form)
        if is_known(request, tag):
            return not_modified(tag)
        return await execution_answer(target, execution_id, start, count)

    @app.get(f"{SESSION}/artifacts", summary="Artifacts", response_class=Response)
    async def list_artifacts(session: str) -> Response:
        return answer(ArtifactList((await host.find_session(session)).snapshot.artifacts))


async def execution_answer(
    session: Session, execution_id: str, start: int = 0, count: int = 1000
) -> Response:
    """An execution as it is now, with `count` rows from number `start` on."""
    # The rows first: what is said of the execution is then never older than they are.
    rows = await session.call(q.ReadRows(execution_id, start, count), client())
    state = await session.call(q.ReadExecution(execution_id), client())
    headers = {"ETag": tag_of(state.execution, f"{start} {count}")}
    return answer(ExecutionRows(state.execution, rows), headers=headers)


def _add_bytes(app: FastAPI, host: UserHost) -> None:
    @app.get(
        f"{SESSION}/artifacts/{{artifact_id}}",
        summary="The content of an artifact",
        response_class=Response,
    )
    async def get_artifact(session: str, artifact_id: str, request: Request) -> Response:
        target = await host.find_session(session)
        artifact_by_id = {artifact.id: artifact for artifact in target.snapshot.artifacts}
        if artifact_id not in artifact_by_id:
            raise NotFound(f"There is no artifact {artifact_id} in this session.")
        artifact = artifact_by_id[artifact_id]
        return await _blob(target, artifact.digest, artifact.mime, request)

    @app.get(
        f"{SESSION}/blobs/{{digest}}",
        summary="Content by its digest, as the parts of a display name it",
        response_class=Response,
    )
    async def get_blob(session: str, digest: str, request: Request) -> Response:
        target = await host.find_session(session)
        return await blob_answer(target, digest, request)

    @app.get(
        f"{SESSION}/files/{{path:path}}",
        summary="A file of the working folder",
        response_class=Response,
    )
    async def read_file(session: str, path: str, request: Request) -> Response:
        target = await host.find_session(session)
        check_request(q.ReadFile(path))
        file = await target.open_file(path)
        mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
        sent = content_headers(file.version, is_attachment=mime not in _SHOWN)
        if request.headers.get("if-none-match") == sent["ETag"]:
            await file.close()
            return Response(status_code=304, headers=sent)
        sent["Content-Length"] = str(file.size)
        pieces = _file_pieces(file)
        return StreamingResponse(pieces, media_type=mime, headers=sent)

    @app.put(
        f"{SESSION}/files/{{path:path}}",
        summary="Write a file of the working folder; the body is its content",
        response_class=Response,
    )
    async def write_file(session: str, path: str, request: Request) -> Response:
        target = await host.find_session(session)
        data = await request.body()
        done = await target.call(q.WriteFile(path, data), client())
        return answer(done)

    @app.delete(
        f"{SESSION}/files/{{path:path}}",
        summary="Remove a file or folder of the working folder",
        response_class=Response,
    )
    async def remove_file(session: str, path: str) -> Response:
        target = await host.find_session(session)
        done = await target.call(q.RemoveFile(path), client())
        return answer(done)


async def blob_answer(session: Session, digest: str, request: Request) -> Response:
    """Content by its digest, with the type that a display or an artifact of it has."""
    return await _blob(session, digest, _mime_of(session, digest), request)


async def _blob(session: Session, digest: str, mime: str, request: Request) -> Response:
    blob = await session.call(q.ReadBlob(digest), client())
    return content(blob.data, mime, digest, request.headers, is_attachment=mime not in _SHOWN)


def _mime_of(session: Session, digest: str) -> str:
    for artifact in session.snapshot.artifacts:
        if artifact.digest == digest:
            return artifact.mime
    display = session.recorder.journal.display_of_blob(digest)
    for part in display.parts if display is not None else ():
        if part.blob == digest:
            return part.mime
    return "application/octet-stream"


def _add_streams(app: FastAPI, host: UserHost) -> None:
    @app.get(
        f"{SESSION}/events",
        summary="Events after number `after`, one JSON object a line; with `follow`, those to "
        "come as well; as server-sent events where `Accept` asks for text/event-stream",
        response_class=Response,
    )
    async def get_events(
        session: str,
        request: Request,
        after: int = 0,
        output: str = "tail",
        follow: bool = False,
    ) -> Response:
        target = await host.find_session(session)
        if output not in ("full", "tail"):
            raise UsageError("`output` is `full` or `tail`.")
        check_integer(after, "after")
        if is_event_stream(request):
            after = last_event(request, after)
            return event_stream(target, after, is_full=output == "full")
        await target.kernels.variables.catch_up()
        upto = None if follow else target.snapshot.seq
        lines = _lines(target, after, output == "full", upto)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @app.get(
        f"{SESSION}/export",
        summary="The session as a notebook, as text, or as its events",
        response_class=Response,
    )
    async def export_session(session: str, format: str = "ipynb") -> Response:
        target = await host.find_session(session)
        if format not in FORMS:
            raise UsageError(f"There is no format {format}.", f"Choose one of {', '.join(FORMS)}.")
        if not target.snapshot.executions_total and format == "ipynb":
            raise Conflict("Nothing was run in this session.", "Run something, then export it.")
        await target.kernels.variables.catch_up()
        name = "".join(c if c.isascii() and c.isalnum() else "-" for c in target.snapshot.name)
        return StreamingResponse(
            _pieces(target, format),
            media_type=FORMS[format],
            headers={"Content-Disposition": f'attachment; filename="{name}.{format}"'},
        )


async def _file_pieces(file: OpenFile) -> AsyncIterator[bytes]:
    """As many bytes of a file as it had when it was opened: it may grow meanwhile."""
    size = file.size
    try:
        while size and (piece := await file.read(min(size, _PIECE))):
            size -= len(piece)
            yield piece
    finally:
        await file.close()


async def _pieces(session: Session, form: str) -> AsyncIterator[bytes]:
    """A file piece by piece, on the loop that the journal belongs to."""
    for piece in export(form, session.recorder.journal, session.snapshot, session.blobs):
        yield piece
        await asyncio.sleep(0)


async def _lines(
    session: Session, after: int, full: bool, upto: int | None
) -> AsyncIterator[bytes]:
    """Events as lines, until number `upto`; the reader counts as a client meanwhile."""
    if upto is not None and after >= upto:
        return
    with session.join(client()):
        async for records in session.events(after, "full" if full else "tail"):
            yield b"".join(encode(record) + b"\n" for record in records)
            if upto is not None and records[-1].seq >= upto:
                return
