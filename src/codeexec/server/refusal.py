"""Answers of the front door itself: a whole HTTP response for a connection that is then closed."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from codeexec.domain.errors import CodeexecError
from codeexec.domain.wire.frames import Problem
from codeexec.server.logs.request_id import HEADER, begin_request, current_request_id

log = logging.getLogger(__name__)


def body(error: CodeexecError) -> bytes:
    """The error as JSON, as every other answer has it."""
    problem = Problem.of(error)
    told = {name: getattr(problem, name) for name in problem.__struct_fields__}
    return json.dumps({**told, "request_id": current_request_id()}).encode()


def response(status: int, error: CodeexecError) -> bytes:
    """Head and body. `X-Problem` is for WebSocket clients, which do not read a body."""
    request_id = begin_request()
    log.info("refused: %s", error.message, extra={"meta": {"status": int(status)}})
    content = body(error)
    reason = error.message.encode("ascii", "backslashreplace").decode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        f"{HEADER}: {request_id}",
        f"X-Problem: {''.join(c if c.isprintable() else '?' for c in reason)}",
    ]
    if status == HTTPStatus.UNAUTHORIZED:
        lines.append("WWW-Authenticate: Bearer")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + content
