"""Answers most requests without FastAPI's middlewares and routing, which cost more than they do."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from codeexec.domain.errors import CodeexecError

Endpoint = Callable[..., Awaitable[Response]]
ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _DirectRoute:
    """`endpoint` is None where the app has to answer. `request_name` is its parameter that takes
    the request; empty: there is none. `takes_fields`: the texts of the path are parameters too."""

    pattern: re.Pattern[str]
    endpoint: Endpoint | None = None
    request_name: str = ""
    takes_fields: bool = False


class DirectRoutes:
    """The app, as ASGI. Its endpoints that take nothing but the request and texts of the path are
    called directly, in the order in which the app looks for them; all else goes to the app."""

    def __init__(self, app: FastAPI, on_error: ErrorHandler) -> None:
        """`on_error` answers for an endpoint that has raised."""
        self._app: ASGIApp = app
        self._on_error = on_error
        self._routes: dict[str, list[_DirectRoute]] = {}
        for route in app.routes:
            if isinstance(route, Route):
                for method in route.methods or ():
                    self._routes.setdefault(method, []).append(_direct(route))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope.get("root_path"):
            path = scope["path"]
            for route in self._routes.get(scope["method"], ()):
                if (match := route.pattern.match(path)) is None:
                    continue
                if route.endpoint is None:
                    break
                scope["path_params"] = match.groupdict()
                request = Request(scope, receive)
                arguments: dict[str, object] = match.groupdict() if route.takes_fields else {}
                if route.request_name:
                    arguments[route.request_name] = request
                await self._answer(route.endpoint, arguments, request, send)
                return
        await self._app(scope, receive, send)

    async def _answer(
        self, endpoint: Endpoint, arguments: dict[str, object], request: Request, send: Send
    ) -> None:
        try:
            response = await endpoint(**arguments)
        except Exception as error:
            response = await self._on_error(request, error)
            await response(request.scope, request.receive, send)
            if not isinstance(error, CodeexecError | HTTPException | ClientDisconnect):
                raise  # uvicorn logs it
            return
        await response(request.scope, request.receive, send)


def _direct(route: Route) -> _DirectRoute:
    """Where the endpoint has parameters that FastAPI has to read and check, the app answers."""
    by_app = _DirectRoute(route.path_regex)
    if not isinstance(route, APIRoute):
        return by_app
    if not all(isinstance(each, StringConvertor) for each in route.param_convertors.values()):
        return by_app
    request_name, names = "", set()
    for parameter in inspect.signature(route.endpoint, eval_str=True).parameters.values():
        if parameter.annotation is Request:
            request_name = parameter.name
        elif parameter.annotation is str:
            names.add(parameter.name)
        else:
            return by_app
    if names and names != set(route.param_convertors):
        return by_app
    return _DirectRoute(route.path_regex, route.endpoint, request_name, bool(names))
