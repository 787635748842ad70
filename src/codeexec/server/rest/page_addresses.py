"""HTTP paths that give out addresses of the page of a session, and revoke them."""

from __future__ import annotations

from typing import cast

from fastapi import FastAPI, Request
from starlette.responses import Response

from codeexec.domain import requests as q
from codeexec.domain.errors import Unavailable
from codeexec.server.access.user_host import UserHost
from codeexec.server.browser.pages import SessionPages
from codeexec.server.rest.bodies import read_json
from codeexec.server.rest.replies import answer, convert
from codeexec.server.rest.routes import SESSION, Route, client

_PATH = f"{SESSION}/pages"

_OPEN = Route(
    "POST",
    _PATH,
    "An address at which a browser sees the session, below that of the server",
    q.OpenPage,
    q.PageAddress,
    201,
)
_CLOSE = Route("DELETE", _PATH, "Revoke all addresses of its page", q.ClosePages)

ROUTES = (_OPEN, _CLOSE)


def add(app: FastAPI, users: UserHost, pages: SessionPages | None) -> None:
    """Hang the paths into the app. Without `pages` they answer that there are none."""

    def require_pages() -> SessionPages:
        if pages is None:
            raise Unavailable("This server has no pages for browsers.")
        return pages

    async def open_page(session: str, request: Request) -> Response:
        await users.find_session(session)  # to others nothing else is wrong
        fields = await read_json(request, dict[str, object]) if await request.body() else {}
        typed = cast("q.OpenPage", convert({**fields, "session": session}, q.OpenPage))
        is_agent = client().is_agent
        address = await require_pages().open(users, typed, is_local=False, is_agent=is_agent)
        return answer(address, 201)

    async def close_pages(session: str) -> Response:
        return answer(await require_pages().close(users, q.ClosePages(session)))

    _OPEN.add(app, open_page)
    _CLOSE.add(app, close_pages)
