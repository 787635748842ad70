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


def challenges(*, is_docs: bool) -> list[str]:
    """Values of WWW-Authenticate, with which a browser asks for a login to the docs. Each
    in a header of its own, as Chromium reads no further than the first one of a header."""
    login = 'Basic realm="codeexec-tui: any name, the token as password", charset="UTF-8"'
    return ["Bearer", login] if is_docs else ["Bearer"]


def response(status: int, error: CodeexecError, *, is_docs: bool = False) -> bytes:
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
        lines += [f"WWW-Authenticate: {value}" for value in challenges(is_docs=is_docs)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + content
