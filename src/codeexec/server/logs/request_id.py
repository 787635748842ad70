"""The id of the request that is being answered: in its answer, its errors and its log lines."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

HEADER = "X-Request-Id"

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(given: str | None = None) -> str:
    """Work of this task belongs to a request from now on. `given` is the client's id for it, which
    is used where it is a plain word."""
    request_id = given if given and _GIVEN.fullmatch(given) else f"req-{secrets.token_hex(8)}"
    _current.set(request_id)
    return request_id


def current_request_id() -> str:
    """Empty outside of a request."""
    return _current.get()
