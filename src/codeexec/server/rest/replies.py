"""What HTTP answers with: values of the protocol as JSON, and every error as one problem."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from codeexec.domain.errors import (
    Busy,
    CodeexecError,
    Conflict,
    Denied,
    DocumentError,
    EnvironmentUnavailable,
    KernelDied,
    KernelUnavailable,
    LimitReached,
    NotFound,
    ProtocolError,
    StorageError,
    Unavailable,
    UsageError,
)
from codeexec.domain.requests import Execute
from codeexec.domain.wire.codec import UNREADABLE
from codeexec.domain.wire.frames import Problem
from codeexec.domain.wire.upgrade import nest_options
from codeexec.server.http.stack import TooLong
from codeexec.server.logs.request_id import current_request_id
from codeexec.server.rest.bodies import WrongContentType

_STATUS: tuple[tuple[type[CodeexecError], int], ...] = (
    (TooLong, 413),
    (WrongContentType, 415),
    (UsageError, 400),
    (ProtocolError, 400),
    (Denied, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Busy, 409),
    (DocumentError, 422),
    # Clients name kernels, interpreters and shells: one that is not there is no fault of ours.
    (KernelUnavailable, 422),
    (EnvironmentUnavailable, 422),
    (Unavailable, 503),
    (KernelDied, 503),
    (StorageError, 507),
)

MEANINGS = {
    400: "The request makes no sense as it is",
    401: "Wrong or missing token (on a network)",
    403: "Not allowed",
    404: "There is no such thing",
    409: "It is there, but not in a state in which this can be done",
    413: "More than is read at once",
    415: "The body is of another type than JSON",
    422: "The file cannot be read as what it says it is, or what is named cannot be started",
    429: "A limit of the user is reached; `limit`, `number` and Retry-After say which",
    500: "A fault of the server",
    503: "What this needs is not to be had",
    507: "The journal or a file cannot be written",
}


def status_of(error: CodeexecError) -> int:
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value of the protocol as JSON."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


class LimitProblem(Problem, frozen=True):
    """The name of the limit, its number, and the seconds after which to try again."""

    limit: str = ""
    number: float = 0
    retry_after: float = 0
    request_id: str = ""


def limit_problem(error: LimitReached) -> Response:
    """429 where it passes by itself, else 403."""
    described = LimitProblem(
        error.code,
        error.title,
        error.message,
        error.next_step,
        error.limit,
        error.number,
        error.retry_after,
        current_request_id(),
    )
    headers = {"Retry-After": str(math.ceil(error.retry_after))}
    return answer(described, 429 if error.is_rate else 403, headers)


def problem(error: CodeexecError, status: int = 0) -> Response:
    if isinstance(error, LimitReached):
        return limit_problem(error)
    told = msgspec.to_builtins(Problem.of(error))
    return answer({**told, "request_id": current_request_id()}, status or status_of(error))


def content(
    data: bytes,
    media_type: str,
    etag: str,
    headers: Mapping[str, str],
    *,
    is_attachment: bool = True,
) -> Response:
    """Bytes with their type; 304 when the asker has them already."""
    sent = content_headers(etag, is_attachment=is_attachment)
    if headers.get("if-none-match") == sent["ETag"]:
        return Response(status_code=304, headers=sent)
    return Response(data, media_type=media_type, headers=sent)


def content_headers(etag: str, *, is_attachment: bool) -> dict[str, str]:
    """Headers for content that user code made, which must never run in the origin of this server:
    `nosniff`, a sandbox, and a download unless it is an image or plain text."""
    sent = {
        "ETag": f'"{etag}"',
        "Cache-Control": "private, max-age=0, must-revalidate",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    if is_attachment:
        sent["Content-Disposition"] = "attachment"
    return sent


def convert(fields: Mapping[str, object], kind: type[msgspec.Struct]) -> msgspec.Struct:
    """The request that these fields (of path, query and body) make; UsageError when none. The
    options of an `Execute` may stand beside its code."""
    if kind is Execute:
        fields = nest_options(fields)
    field_names = set(kind.__struct_fields__)
    unknown = sorted(set(fields) - field_names)
    if unknown:
        raise UsageError(
            f"What is {', '.join(unknown)}?",
            f"Known here: {', '.join(sorted(field_names)) or 'nothing'}.",
        )
    try:
        return msgspec.convert(fields, type=kind, strict=False)
    except UNREADABLE as error:
        raise UsageError(f"{error}.", "See /openapi.json for what is expected.") from error
