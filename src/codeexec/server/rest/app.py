"""The FastAPI app: the table of requests, and the few paths that are more than one request."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from codeexec import __version__
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, NotFound, UsageError
from codeexec.server.access.identity import current_identity
from codeexec.server.access.limit_keeper import LimitKeeper
from codeexec.server.access.user_host import UserHost
from codeexec.server.access.user_limits import UserLimits
from codeexec.server.browser.pages import SessionPages
from codeexec.server.metrics.exposition import CONTENT_TYPE, exposition
from codeexec.server.metrics.http_meter import HttpMeter
from codeexec.server.peer import internal
from codeexec.server.rest import named_sessions, operations, page_addresses, special
from codeexec.server.rest.alias import Alias
from codeexec.server.rest.bodies import read_json
from codeexec.server.rest.direct import DirectRoutes
from codeexec.server.rest.docs.openapi import describe
from codeexec.server.rest.docs.page import docs_page
from codeexec.server.rest.polling import wait_for_end, wait_seconds
from codeexec.server.rest.replies import answer, convert, problem
from codeexec.server.rest.routes import ROUTES, Route, client
from codeexec.server.rest.special import execution_answer
from codeexec.server.service_settings import ServiceSettings
from codeexec.session.host import Host
from codeexec.session.session import Session

Endpoint = Callable[[Request], Awaitable[Response]]


def make_asgi(
    host: Host,
    settings: ServiceSettings,
    limits: LimitKeeper,
    meter: HttpMeter,
    pages: SessionPages,
) -> DirectRoutes:
    """The app as it is served."""
    return DirectRoutes(make_app(host, settings, limits, meter, pages), _told)


def make_app(
    host: Host,
    settings: ServiceSettings | None = None,
    limits: LimitKeeper | None = None,
    meter: HttpMeter | None = None,
    pages: SessionPages | None = None,
) -> FastAPI:
    """All of it; `/docs` shows it to people, `/openapi.json` to programs."""
    app = FastAPI(
        title="codeexec-tui",
        version=__version__,
        summary="Sessions that run code and lose nothing.",
        docs_url=None,  # FastAPI's page loads scripts from elsewhere
        redoc_url=None,
    )
    users = UserHost(host, current_identity.get, limits or LimitKeeper(host, UserLimits()))
    for route in ROUTES:
        route.add(app, _endpoint(users, route))
    special.add(app, users)
    operations.add(app, users)
    named_sessions.add(app, users, settings or ServiceSettings())
    page_addresses.add(app, users, pages)
    _add_metrics(app, host, meter or HttpMeter())
    app.add_middleware(Alias)
    app.add_exception_handler(CodeexecError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(ClientDisconnect, _told)
    app.add_exception_handler(Exception, _told)
    document: dict[str, object] = {}

    def openapi() -> dict[str, object]:
        if not document:
            document.update(describe(app))
        return document

    async def docs(request: Request) -> Response:
        return docs_page(openapi())

    # The address that `serve` prints has no path.
    for path in ("/", "/docs"):
        app.add_api_route(path, docs, include_in_schema=False, response_class=Response)
    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


def _add_metrics(app: FastAPI, host: Host, meter: HttpMeter) -> None:
    # Its form is Prometheus' own, which OpenAPI cannot say.
    @app.get("/metrics", include_in_schema=False, response_class=Response)
    async def metrics() -> Response:
        current_identity.get().require("admin")  # they tell of all users
        return Response(exposition(host, meter), media_type=CONTENT_TYPE)


def _endpoint(host: UserHost, route: Route) -> Endpoint:
    """The path's session, if any, is asked; else the host."""

    async def endpoint(request: Request) -> Response:
        path_fields: dict[str, object] = dict(request.path_params)
        session = path_fields.pop("session", None) if "{session}" in route.path else None
        # First: to who may not see the session nothing else is wrong.
        target = None if session is None else await host.find_session(str(session))
        fields: dict[str, object] = dict(request.query_params)
        seconds = 0.0
        if route.request is q.Execute:
            seconds = wait_seconds(request)
            fields.pop("wait", None)
        if route.has_body:
            fields |= await _body(request)
        fields |= path_fields
        typed = cast("q.Request[q.Reply]", convert(fields, route.request))
        if target is None:
            reply = await host.call(typed)
        else:
            reply = await target.call(typed, client())
            if seconds and isinstance(reply, q.Accepted):
                return await _finished(target, reply.execution_id, request, seconds)
        return answer(reply, route.status)

    endpoint.__name__ = re.sub("(?<=[a-z])(?=[A-Z])", "_", route.request.__name__).lower()
    return endpoint


async def _finished(
    session: Session, execution_id: str, request: Request, seconds: float
) -> Response:
    """An execution that was queued by `request`: 200 once it is over, 202 where it is not after the
    time that the client waits."""
    view = await wait_for_end(session, execution_id, request, seconds)
    response = await execution_answer(session, execution_id)
    response.status_code = 202 if view.is_open else 200
    place = f"/v1/sessions/{session.session_id}/executions/{execution_id}"
    response.headers["Content-Location"] = place
    return response


async def _body(request: Request) -> dict[str, object]:
    if not await request.body():
        return {}
    content = await read_json(request, object)
    if not isinstance(content, dict):
        raise UsageError("The body is not a JSON object.", "Send one JSON object.")
    return content


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, CodeexecError):
        return problem(error)
    if isinstance(error, HTTPException):
        kind = NotFound if error.status_code == 404 else UsageError
        message = f"{request.method} {request.url.path}: {error.detail}."
        return problem(kind(message, "See /docs."), error.status_code)
    if isinstance(error, RequestValidationError):
        wrong = [f"{problem_at['loc'][-1]}: {problem_at['msg']}" for problem_at in error.errors()]
        return problem(UsageError(f"{'; '.join(wrong)}.", "See /docs."))
    if isinstance(error, ClientDisconnect):
        return problem(UsageError("The request ended before its body did.", "Send it again."))
    return problem(internal(error))
