"""Gives out addresses of pages, and opens the loopback listener that serves them."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable

from codeexec.documents.displays.page_pictures import MOST_PICTURE_BYTES
from codeexec.domain import requests as q
from codeexec.domain.errors import Denied, Unavailable, UsageError
from codeexec.server.access.identity import Identity, current_admission
from codeexec.server.access.token_watch import wait_for_denial
from codeexec.server.access.user_host import UserHost
from codeexec.server.browser.addresses import (
    GrantedPage,
    PageAddresses,
    lesson_length,
    picture_bytes,
)

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"

LONGEST_LESSON = 1_000_000
"""Characters of a lesson that a page shows."""

MOST_PARTS = 2000

Listen = Callable[[socket.socket], Awaitable[None]]


class SessionPages:
    """Of one server. `listen` serves pages, and nothing else, on a socket."""

    def __init__(self, listen: Listen) -> None:
        self.addresses = PageAddresses()
        self._listen = listen
        self._opening = asyncio.Lock()
        self._port = 0
        self._watches: set[asyncio.Task[None]] = set()

    async def open(
        self, users: UserHost, request: q.OpenPage, *, is_local: bool, is_agent: bool
    ) -> q.PageAddress:
        """An address for a page of one of the user's sessions. `is_local`: they are on this
        machine, and are given the whole address. `is_agent`: an agent asks, whose page operates no
        widgets. NotFound, Unavailable, Denied, UsageError."""
        users.identity.require("run")
        if request.control and is_agent:
            raise Denied(
                "An agent gives out no page that operates widgets, as what they run cannot be "
                "confirmed.",
                "Ask the user: codeexec-tui page --control",
            )
        if request.lesson is not None:
            _check_length(request.lesson)
        session = await users.find_session(request.session)
        port = await self._loopback_port() if is_local else 0
        expires = users.identity.expires
        page = self.addresses.add(
            session.session_id,
            is_shared=request.shared,
            is_interactive=request.interactive,
            is_controlling=request.control,
            lesson=request.lesson,
            expires=expires,
        )
        self._end_with_token(page, users.identity)
        origin = f"http://{LOOPBACK}:{port}" if port else ""
        return q.PageAddress(page.address, origin, page.code_expires, port)

    async def close(self, users: UserHost, request: q.ClosePages) -> q.Done:
        """Void all addresses of a session, and end its pages. NotFound."""
        users.identity.require("run")
        session = await users.find_session(request.session)
        return q.Done(session.snapshot.seq, self.addresses.revoke(session.session_id))

    def end(self) -> None:
        """Watch no tokens any more."""
        for watch in self._watches:
            watch.cancel()

    def _end_with_token(self, page: GrantedPage, identity: Identity) -> None:
        """End the page as soon as the user's token is good no longer. The operator's always is."""
        if not identity.subject:
            return
        admit = current_admission.get()

        async def watch_token() -> None:
            try:
                async with asyncio.timeout(page.expires - time.time()):
                    denial = await wait_for_denial(identity, admit)
            except TimeoutError:
                return
            log.info("a page of session %s ends: %s", page.session_id, denial)
            self.addresses.end(page)

        watch = asyncio.create_task(watch_token(), name="token watch of a page")
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        page.on_close.add(watch.cancel)

    async def _loopback_port(self) -> int:
        """The port of the listener, which is opened by the first address."""
        async with self._opening:
            if not self._port:
                try:
                    listening = socket.create_server((LOOPBACK, 0), backlog=128)
                except OSError as error:
                    raise Unavailable(
                        f"No port of {LOOPBACK} can be opened: {error.strerror or error}."
                    ) from error
                listening.setblocking(False)
                await self._listen(listening)
                self._port = int(listening.getsockname()[1])
                log.info("pages are served on port %d of %s", self._port, LOOPBACK)
            return self._port


def _check_length(lesson: q.PageLesson) -> None:
    """UsageError for a lesson that is too long, or has too many pictures."""
    if picture_bytes(lesson) > MOST_PICTURE_BYTES:
        raise UsageError(
            f"The pictures in the texts of a page have up to {MOST_PICTURE_BYTES:,} bytes.",
            "Make them smaller.",
        )
    if lesson_length(lesson) > LONGEST_LESSON or len(lesson.parts) > MOST_PARTS:
        raise UsageError(
            f"A page shows lessons of up to {LONGEST_LESSON:,} characters in {MOST_PARTS:,} parts.",
            "Part the lesson into several files.",
        )
