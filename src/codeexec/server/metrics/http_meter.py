"""Counts and logs HTTP requests, and puts their ids into the answers."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from codeexec.server.logs.request_id import HEADER
from codeexec.session.activity import Histogram

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class HttpMeter:
    """Of all sockets. `requests` are by method and status."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds = Histogram()
        self.bytes_sent = 0

    def begin(self, scope: MutableMapping[str, Any], request_id: str, send: Send) -> Send:
        """The `send` for the answer to this request."""
        started = time.perf_counter()
        status = 0

        async def metered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                header = (HEADER.lower().encode(), request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), header]}
            self.bytes_sent += len(message.get("body", b""))
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._note(scope, request_id, status, time.perf_counter() - started)

        return metered

    def _note(
        self, scope: MutableMapping[str, Any], request_id: str, status: int, seconds: float
    ) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self.requests[method, status] += 1
        self.seconds.observe(seconds)
        meta = {"request_id": request_id, "status": status, "ms": round(seconds * 1000, 1)}
        # Without the query, which may hold a token.
        log.info("%s %s", method, scope["path"][:500], extra={"meta": meta})
