"""Answers that wait, up to a time, for the next change of an execution or for its end."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.snapshot import ExecutionView
from codeexec.server.access.identity import current_identity
from codeexec.server.http.stack import CHANGE_MADE
from codeexec.server.peer import interrupt_tied
from codeexec.server.rest.routes import client
from codeexec.session.session import Session

MAX_WAIT = 120.0
"""Seconds that an answer waits at most, whatever the client asks for."""

_PLAIN_WAIT = re.compile(rb"wait=([0-9]{1,9})")
"""A query that is nothing else."""

_PREFER_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def wait_seconds(request: Request) -> float:
    """How long the client would have the answer wait: `?wait=30` or `Prefer: wait=30`; 0: not at
    all. UsageError for a `wait` in the query that is no number of seconds."""
    query = request.scope["query_string"]
    if plain := _PLAIN_WAIT.fullmatch(query):
        return min(float(plain[1]), MAX_WAIT)
    text = request.query_params.get("wait") if query else None
    if text is None:
        preferred = _PREFER_WAIT.search(",".join(request.headers.getlist("prefer")))
        return min(float(preferred[1]), MAX_WAIT) if preferred else 0.0
    if not re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text):
        raise UsageError(f"wait={text[:40]!a} is no number of seconds.", "Write it as ?wait=30.")
    return min(float(text), MAX_WAIT)


def tag_of(view: ExecutionView, representation: str = "") -> str:
    """The ETag of an execution as it is now, in the form that `representation` names."""
    digest = hashlib.blake2b(msgspec.json.encode(view), digest_size=12)
    digest.update(representation.encode("utf-8", "replace"))
    return f'"{digest.hexdigest()}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has the answer with this tag."""
    return matches(request.headers.get("if-none-match", ""), tag)


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})


def matches(header: str, tag: str) -> bool:
    """Whether `If-None-Match` names this tag."""
    tags = {each.strip().removeprefix("W/") for each in header.split(",")}
    return tag in tags or "*" in tags


async def wait_for_change(
    session: Session,
    execution_id: str,
    request: Request,
    representation: str = "",
    shown: Callable[[ExecutionView], ExecutionView] = lambda view: view,
) -> ExecutionView:
    """The execution once what is `shown` of it differs from what the client has (`If-None-Match`,
    else from what it is now), is over, or the time of `wait_seconds` has passed. NotFound.

    See `_wait` for clients that go away.
    """
    view = find_view(session, execution_id)
    seconds = wait_seconds(request)
    if not seconds or not view.is_open:
        return view
    seen = request.headers.get("if-none-match") or tag_of(shown(view), representation)
    return await _wait(
        session,
        execution_id,
        request,
        seconds,
        lambda view: matches(seen, tag_of(shown(view), representation)),
    )


async def wait_for_end(
    session: Session, execution_id: str, request: Request, seconds: float
) -> ExecutionView:
    """The execution that `request` has queued, once it is over or the time has passed. See `_wait`
    for clients that go away."""
    if (queued := request.scope.get("state", {}).get(CHANGE_MADE)) is not None:
        queued.set()
    return await _wait(session, execution_id, request, seconds, lambda view: True)


async def _wait(
    session: Session,
    execution_id: str,
    request: Request,
    seconds: float,
    goes_on: Callable[[ExecutionView], bool],
) -> ExecutionView:
    """The execution once it is over, `goes_on` is false of it, or the time has passed. NotFound.

    An execution with `on_disconnect="interrupt"` is interrupted when its client goes away while
    it waits here, unless that client may only read.
    """
    with session.execution_watch.watching(execution_id) as changed:
        view = find_view(session, execution_id)
        if not view.is_open or not goes_on(view):
            return view
        disconnected = asyncio.ensure_future(_gone(request))
        disconnected.add_done_callback(lambda _: changed.set())
        is_over = False

        def end() -> None:
            nonlocal is_over
            is_over = True
            changed.set()

        timer = asyncio.get_running_loop().call_later(seconds, end)
        try:
            while view.is_open and goes_on(view) and not session.snapshot.closed:
                changed.clear()
                if not disconnected.done():
                    await changed.wait()
                if disconnected.done():
                    is_tied = view.options.on_disconnect == "interrupt"
                    if is_tied and current_identity.get().may("run"):
                        await interrupt_tied(session, execution_id, client())
                    break
                if is_over:
                    break  # the client asks again
                view = find_view(session, execution_id)
        finally:
            timer.cancel()
            disconnected.cancel()
    return find_view(session, execution_id)


def find_view(session: Session, execution_id: str) -> ExecutionView:
    """NotFound where the session has no such execution."""
    view = session.recorder.find(execution_id)
    if view is None:
        raise NotFound(f"There is no execution {execution_id} in this session.")
    return view


async def _gone(request: Request) -> None:
    """Returns when the client's connection has ended."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
