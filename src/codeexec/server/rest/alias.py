"""Other beginnings of our paths: `/api/v1` of clients that know no proxy, `/v1/v1` behind one."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_OTHERS = ("/api/v1/", "/v1/v1/")
_OURS = "/v1/"


class Alias:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for other in _OTHERS:
            if scope["type"] == "http" and scope["path"].startswith(other):
                path = _OURS + scope["path"].removeprefix(other)
                scope = {**scope, "path": path, "raw_path": path.encode("utf-8")}
                break
        await self._app(scope, receive, send)
