"""The page as an ASGI app: its files, its stream and its contents. It changes nothing but widgets,
on pages that were given out for that.

The gate has checked Host and Origin. Files of the page are the same for everybody; all else needs
the cookie of the page that the path names.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping, MutableMapping
from hashlib import sha256
from html import escape
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from ipaddress import ip_address
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from codeexec.domain import requests as q
from codeexec.domain.content.mime import bare, content_of, text_of
from codeexec.domain.errors import CodeexecError, Denied, NotFound, Unavailable, UsageError
from codeexec.domain.outputs import Display, MimePart
from codeexec.domain.snapshot import KernelView
from codeexec.domain.wire.checks import check_request
from codeexec.server.browser.addresses import GrantedPage, PageAddresses, split_path
from codeexec.server.browser.charts import chart_within, figure_content, figure_frame, find_figure
from codeexec.server.browser.control import operate
from codeexec.server.browser.drawings import Drawings, find_drawing, ground_named
from codeexec.server.browser.feed import CLIENT, FIRST_EXECUTIONS, PageFeed, PageWatcher
from codeexec.server.browser.frames import FRAMED, frame, prose_frame
from codeexec.server.browser.libraries import read_library
from codeexec.server.browser.vega_scripts import VegaScripts
from codeexec.server.browser.widgets import captured_output
from codeexec.server.http.stack import Receive, Send
from codeexec.server.rest.replies import answer, problem
from codeexec.server.rest.special import blob_answer
from codeexec.session.host import Host
from codeexec.session.output.display_text import display_text
from codeexec.session.session import Session

log = logging.getLogger(__name__)

COOKIE = "codeexec_page"

WIDGETS = "widgets"
"""The path below that of a page to which it posts what the user does with a widget."""

MAX_WATCHERS = 500
"""Browsers that watch at the same time, of all sessions of the server."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}
_FILE = re.compile(r"static/([a-z]{1,20}\.(?:js|css|svg))")


class PageApp:
    """Pages of the sessions of `host` for browsers that have one of the `addresses`."""

    def __init__(self, host: Host, addresses: PageAddresses) -> None:
        self._host = host
        self._addresses = addresses
        self._drawings = Drawings()
        self._vega = VegaScripts()
        self._feeds: dict[Session, PageFeed] = {}
        self._files: dict[str, tuple[bytes, str]] = {}

    @property
    def watchers(self) -> int:
        """Browsers that watch now."""
        return sum(feed.watchers for feed in self._feeds.values())

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except CodeexecError as error:
            is_denied = isinstance(error, Denied)
            response = problem(error, 401) if is_denied else problem(error)
        for name, text in HEADERS.items():
            response.headers.setdefault(name, text)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        page_id, name = split_path(request.url.path)
        if request.method == "POST" and name == WIDGETS:
            return await self._operate(page_id, request)
        if request.method not in ("GET", "HEAD"):
            error = UsageError("A page is only read.", "Use GET.")
            return problem(error, 405)
        if name == "enter":
            return self._enter(page_id, request)
        if (file := _FILE.fullmatch(name)) is not None:
            return self._file(file[1], request)
        if not name:
            return self._file("page.html", request)
        page = self._addresses.find(page_id, _cookie(request))
        session = await self._host.find_session(page.session_id)
        return await self._content(name, page, session, request)

    async def _operate(self, page_id: str, request: Request) -> Response:
        """Send what the user does with a widget to its kernel."""
        page = self._addresses.find(page_id, _cookie(request))
        session = await self._host.find_session(page.session_id)
        try:
            return answer(await operate(page, session, request))
        except Denied as error:
            return problem(error, 403)  # the page itself stays good

    def _enter(self, page_id: str, request: Request) -> Response:
        """A cookie in exchange for the code of the address, and the way to the page. A browser that
        only fetches an address ahead does not spend it."""
        purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
        if request.method == "HEAD" or "prefetch" in purpose:
            return Response(status_code=503)
        try:
            page = self._addresses.enter(page_id, request.query_params.get("code", ""))
        except Denied as error:
            return Response(_refusal(error), 403, media_type="text/html")
        log.info("a browser has opened a page of session %s", page.session_id)
        # Relative, and a cookie without a path, which then is that of the page: a proxy may have
        # the server below a path of its own.
        response = Response(status_code=303, headers={"Location": "./"})
        response.set_cookie(
            COOKIE,
            page.cookie,
            path=None,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https" or not _is_loopback(request.url.hostname or ""),
        )
        return response

    def _file(self, name: str, request: Request) -> Response:
        if name not in self._files:
            try:
                content = files("codeexec.server.browser").joinpath("static", name).read_bytes()
            except OSError as error:
                raise NotFound(f"The page has no file {name}.") from error
            self._files[name] = content, f'"{sha256(content).hexdigest()[:32]}"'
        content, etag = self._files[name]
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])

    async def _content(
        self, name: str, page: GrantedPage, session: Session, request: Request
    ) -> Response:
        fields = request.query_params
        match name:
            case "events":
                if self.watchers >= MAX_WATCHERS:
                    raise Unavailable(f"{MAX_WATCHERS} browsers watch already.", "Try again later.")
                lines = self._lines(page, session, _number(fields, "after"))
                return StreamingResponse(lines, media_type="application/x-ndjson")
            case "executions":
                return answer(await _earlier_executions(session, fields.get("before", "")))
            case "rows":
                return answer(await _rows(session, fields, _number(fields, "count")))
            case "lesson" if page.lesson is not None:
                return answer(_without_pictures(page.lesson))
            case "frame" if "part" in fields:
                return await _lesson_frame(page.lesson, _number(fields, "part"))
            case "frame":
                return await _frame(session, fields)
            case "figure":
                return await _figure(page, session, fields, self._vega)
            case "drawing":
                return await self._drawing(session, fields)
            case "text":
                display = await _display(session, fields)
                text = await asyncio.to_thread(display_text, display, session.blobs)
                return Response(text, media_type="text/plain")
        kind, _, digest = name.partition("/")
        if kind == "blobs" and digest:
            return await blob_answer(session, digest, request)
        raise NotFound(f"The page has nothing at {name[:200]}.")

    async def _drawing(self, session: Session, fields: Mapping[str, str]) -> Response:
        """A chart as a picture; with `check` none, but whether there is one. NotFound, UsageError,
        DocumentError."""
        ground = ground_named(fields.get("ground", "light"))
        mime, part = find_drawing(await _display(session, fields))
        if part.text is not None:
            data = content_of(mime, part.text)
        else:
            data = (await session.call(q.ReadBlob(part.blob or ""), CLIENT)).data
        picture = await self._drawings.draw(mime, data, ground)
        if fields.get("check"):
            return Response(status_code=204)
        return Response(picture, media_type="image/png")

    async def _lines(self, page: GrantedPage, session: Session, after: int) -> AsyncIterator[bytes]:
        feed = self._feeds.setdefault(session, PageFeed(session))
        watcher = PageWatcher()
        page.on_close.add(watcher.close)
        try:
            if abilities := _abilities(page):
                yield msgspec.json.encode(abilities) + b"\n"
            async for line in feed.lines(watcher, after):
                if not self._addresses.is_open(page):
                    return
                yield line
        finally:
            page.on_close.discard(watcher.close)
            if not feed.watchers:
                self._feeds.pop(session, None)


def _abilities(page: GrantedPage) -> dict[str, bool]:
    """The first line of the stream of a page that does more than show; else empty."""
    abilities = {
        "interactive": page.is_interactive,
        "control": page.is_controlling,
        "lesson": page.lesson is not None,
    }
    return {name: True for name, is_given in abilities.items() if is_given}


def _cookie(request: Request) -> str:
    """The value of our cookie; empty without one. The path of the cookie is the page's own, so that
    there is one at most."""
    try:
        morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""


def _is_loopback(host: str) -> bool:
    """Whether browsers of this machine alone call the server so. Where others do, a proxy has TLS
    if we have not."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _number(fields: Mapping[str, str], name: str) -> int:
    text = fields.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise UsageError(f"`{name}` is a number, and {text[:40]!a} is none.")
    return int(text)


async def _earlier_executions(session: Session, execution_id: str) -> q.ExecutionPage:
    """Those before this one. NotFound."""
    latest = (await session.call(q.ReadExecution(execution_id), CLIENT)).execution
    return await session.call(q.ListExecutions(latest.number, FIRST_EXECUTIONS), CLIENT)


async def _rows(session: Session, fields: Mapping[str, str], count: int) -> q.Rows:
    request = q.ReadRows(fields.get("execution", ""), _number(fields, "start"), count)
    check_request(request)
    return await session.call(request, CLIENT)


async def _display(session: Session, fields: Mapping[str, str]) -> Display:
    """The display in row `start` of an execution, or in output `output` of the widget `widget`.
    NotFound."""
    if model := fields.get("widget"):
        return captured_output(session.snapshot.comms, model, _number(fields, "output"))
    rows = await _rows(session, fields, 1)
    display = rows.runs[0].display if rows.runs else None
    if display is None:
        raise NotFound("There is no display in this row any more.")
    return display


async def _frame(session: Session, fields: Mapping[str, str]) -> Response:
    display = await _display(session, fields)
    part = next((part for mime in FRAMED if (part := display.part(mime)) is not None), None)
    if part is None:
        raise NotFound("This display has no form for a frame.")
    return await asyncio.to_thread(frame, part.mime, await _text(session, part))


def _without_pictures(lesson: q.PageLesson) -> q.PageLesson:
    """The lesson as the page reads it: its pictures stand in the frames of its texts."""
    parts = tuple(msgspec.structs.replace(part, pictures={}) for part in lesson.parts)
    return msgspec.structs.replace(lesson, parts=parts)


async def _lesson_frame(lesson: q.PageLesson | None, number: int) -> Response:
    """The document for a text of a lesson. NotFound."""
    parts = lesson.parts if lesson is not None else ()
    if number >= len(parts):
        raise NotFound("The page has no such text.")
    return await asyncio.to_thread(prose_frame, parts[number].text, parts[number].pictures)


async def _figure(
    page: GrantedPage, session: Session, fields: Mapping[str, str], vega: VegaScripts
) -> Response:
    """The document that draws a figure; with `check` none, but what is wrong. NotFound, UsageError,
    Unavailable, DocumentError."""
    if not page.is_interactive:
        raise UsageError(
            "This page draws no figures.", "Get another one: codeexec-tui page --interactive"
        )
    figure = find_figure(await _display(session, fields))
    library, mime, text = figure.library, figure.part.mime, ""
    if library in ("html", "vega"):
        text = await _text(session, figure.part)
    if library == "html":
        library, (mime, text) = await asyncio.to_thread(chart_within, text)
    if library == "vega":
        scripts = await vega.read(mime, text)
    else:
        kernel = await _kernel_of(session, fields)
        scripts = await asyncio.to_thread(read_library, library, kernel)
    if fields.get("check"):
        return Response(status_code=204)
    text = text or await _text(session, figure.part)
    content = await asyncio.to_thread(figure_content, library, text)
    return await asyncio.to_thread(figure_frame, library, scripts, content)


async def _kernel_of(session: Session, fields: Mapping[str, str]) -> KernelView:
    """The kernel that made a display."""
    snapshot = session.snapshot
    if (widget := snapshot.comms.get(fields.get("widget", ""))) is not None:
        return snapshot.kernel_named(widget.kernel)
    view = (await session.call(q.ReadExecution(fields["execution"]), CLIENT)).execution
    return snapshot.kernel_of(view)


async def _text(session: Session, part: MimePart) -> str:
    if part.text is not None:
        return part.text
    blob = await session.call(q.ReadBlob(part.blob or ""), CLIENT)
    return text_of(bare(part.mime), blob.data)


def _refusal(error: Denied) -> str:
    """A page that says why an address is refused."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>codeexec-tui</title>'
        '<link rel="stylesheet" href="static/page.css">'
        f'<main class="refusal"><h1>{escape(error.message)}</h1><p>{escape(error.next_step)}</p>'
        "</main></html>"
    )
