"""Answers of the front door itself: a whole HTTP response for a connection that is then closed."""

from __future__ import annotations

import json
from http import HTTPStatus

from codeexec.domain.errors import CodeexecError
from codeexec.domain.wire.frames import Problem


def body(error: CodeexecError) -> bytes:
    """The error as JSON, as every other answer has it."""
    problem = Problem.of(error)
    return json.dumps({name: getattr(problem, name) for name in problem.__struct_fields__}).encode()


def response(status: int, error: CodeexecError) -> bytes:
    """Head and body. `X-Problem` is for WebSocket clients, which do not read a body."""
    content = body(error)
    reason = error.message.encode("ascii", "backslashreplace").decode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Connection: close",
        f"X-Problem: {''.join(c if c.isprintable() else '?' for c in reason)}",
    ]
    if status == HTTPStatus.UNAUTHORIZED:
        lines.append("WWW-Authenticate: Bearer")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + content
