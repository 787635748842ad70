"""Addresses of pages: single-use or shared, each for one session, and the cookies they become.

An address has a code. A browser sends it once and gets a cookie in exchange, so that the code
stands in no history. All paths of a page begin with its id, which cannot be guessed: requests for
other ids are refused like those without a token. All of this is in memory: with the server every
address and cookie ends.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable

from msgspec import Struct, field

from codeexec.domain.errors import Denied, Unavailable
from codeexec.domain.requests import PageLesson

CODE_SECONDS = 600.0
"""After which an unused single-use address is void."""

PAGE_SECONDS = 12 * 3600.0
"""After which a page needs another address."""

MAX_PAGES = 1000

HELD_LESSONS = 128_000_000
"""Characters of the lessons of all pages."""

_NEXT = "Get another address: codeexec-tui page"

_PATH = re.compile(r"/page/([A-Za-z0-9_-]{22})/(.*)")


class GrantedPage(Struct, eq=False):
    """What one address gives access to. Times are in seconds since 1970. `on_close` are called when
    it is revoked. `is_interactive`: the page draws figures with the JavaScript of their package.
    `is_controlling`: its widgets can be operated. `lesson`: what stands around its executions."""

    page_id: str
    session_id: str
    is_shared: bool
    expires: float
    code_expires: float
    code: str
    cookie: str
    is_interactive: bool = False
    is_controlling: bool = False
    lesson: PageLesson | None = None
    is_spent: bool = False
    is_revoked: bool = False
    on_close: set[Callable[[], object]] = field(default_factory=set)

    @property
    def path(self) -> str:
        return f"/page/{self.page_id}/"

    @property
    def address(self) -> str:
        """The path, with the code, that a browser is sent to."""
        return f"{self.path}enter?code={self.code}"


class PageAddresses:
    """Of one server. `clock` tells seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pages: dict[str, GrantedPage] = {}

    def add(
        self,
        session_id: str,
        *,
        is_shared: bool = False,
        is_interactive: bool = False,
        is_controlling: bool = False,
        lesson: PageLesson | None = None,
        expires: float | None = None,
    ) -> GrantedPage:
        """A new address. `expires`: the page ends then at the latest. Unavailable where there are
        too many, or their lessons are too long."""
        now = self._clock()
        self._forget_old(now)
        if len(self._pages) >= MAX_PAGES:
            raise Unavailable(
                f"There are {MAX_PAGES} addresses of pages.",
                "Revoke those of a session: codeexec-tui page SESSION --revoke",
            )
        lessons = [page.lesson for page in self._pages.values()]
        if lesson is not None and sum(map(_held_by, [*lessons, lesson])) > HELD_LESSONS:
            raise Unavailable(
                "The lessons of all pages are too long together.",
                "Revoke the addresses of a session: codeexec-tui page SESSION --revoke",
            )
        ends = now + PAGE_SECONDS
        if expires is not None:
            ends = min(ends, expires)
        page = GrantedPage(
            secrets.token_urlsafe(16),
            session_id,
            is_shared,
            ends,
            ends if is_shared else min(ends, now + CODE_SECONDS),
            secrets.token_urlsafe(32),
            secrets.token_urlsafe(32),
            is_interactive,
            is_controlling,
            lesson,
        )
        self._pages[page.page_id] = page
        return page

    def has(self, page_id: str) -> bool:
        """Whether there is such a page, so that a request for a part of it may be read."""
        page = self._pages.get(page_id)
        return page is not None and not self._is_over(page)

    def enter(self, page_id: str, code: str) -> GrantedPage:
        """The page, whose address is spent by this unless it is shared. Denied."""
        page = self._pages.get(page_id)
        if page is None or not _is_equal(code, page.code) or self._is_over(page):
            raise unknown_page()
        if page.is_spent:
            raise Denied("This address was used already. It opens the page once.", _NEXT)
        if self._clock() >= page.code_expires:
            raise Denied("This address is too old: it was not used within ten minutes.", _NEXT)
        page.is_spent = not page.is_shared
        return page

    def find(self, page_id: str, cookie: str) -> GrantedPage:
        """The page that this cookie opens. Denied."""
        page = self._pages.get(page_id)
        if page is None or not _is_equal(cookie, page.cookie) or self._is_over(page):
            raise Denied("This browser has not opened the address of the page.", _NEXT)
        return page

    def is_open(self, page: GrantedPage) -> bool:
        """Whether the page may still be shown."""
        return not self._is_over(page)

    def revoke(self, session_id: str) -> int:
        """Void all addresses of this session and end its pages; how many there were."""
        pages = [page for page in self._pages.values() if page.session_id == session_id]
        for page in pages:
            self._end(page)
        return len(pages)

    def end(self, page: GrantedPage) -> None:
        """Void one address and end its pages, unless that was done."""
        if page.page_id in self._pages:
            self._end(page)

    def _is_over(self, page: GrantedPage) -> bool:
        return page.is_revoked or self._clock() >= page.expires

    def _forget_old(self, now: float) -> None:
        for page in list(self._pages.values()):
            if now >= page.expires or (now >= page.code_expires and not page.is_spent):
                self._end(page)

    def _end(self, page: GrantedPage) -> None:
        del self._pages[page.page_id]
        page.is_revoked = True
        for close in tuple(page.on_close):
            close()


def _held_by(lesson: PageLesson | None) -> int:
    return lesson_length(lesson) + picture_bytes(lesson)


def picture_bytes(lesson: PageLesson | None) -> int:
    """Bytes of the pictures in the texts of a lesson."""
    parts = lesson.parts if lesson is not None else ()
    return sum(len(data) for part in parts for data in part.pictures.values())


def lesson_length(lesson: PageLesson | None) -> int:
    """Characters that a lesson holds."""
    if lesson is None:
        return 0
    parts = sum(len(part.text) + len(part.cell) + len(part.title) for part in lesson.parts)
    return parts + len(lesson.title) + len(lesson.document)


def split_path(path: str) -> tuple[str, str]:
    """The id of the page that a path belongs to, and the rest of the path; empty: it is no path of
    a page."""
    match = _PATH.fullmatch(path)
    return (match[1], match[2]) if match else ("", "")


def unknown_page() -> Denied:
    """The error for a page that is not there."""
    return Denied(
        "This page is not there: its address is wrong, too old or revoked, or the session server "
        "was started anew.",
        _NEXT,
    )


def _is_equal(text: str, expected: str) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "replace"), expected.encode())
