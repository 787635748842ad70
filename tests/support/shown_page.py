"""A session, and headless Chromium that shows its page."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from support.chromium import DEADLINE, Chromium, Tab, chromium
from support.servers import Here, serve_here, short_folder


@dataclass
class Shown:
    """A session, and a tab that shows its page."""

    here: Here
    session: SessionClient
    tab: Tab
    address: q.PageAddress
    browser: Chromium

    async def run(self, code: str) -> str:
        return (await self.session.call(q.Execute(code))).execution_id

    async def sees(self, text: str) -> None:
        await self.tab.until(f"document.getElementById('main').innerText.includes({text!r})")


async def open_page(tab: Tab, address: q.PageAddress) -> None:
    """Show the page at an address, and wait until it follows its session. A file of it that was not
    loaded because the machine's networks changed, as containers of other tests do it, is asked
    for again."""
    await tab.go(address.origin + address.path)
    deadline = time.monotonic() + DEADLINE
    while True:
        assert time.monotonic() < deadline, tab.errors
        with contextlib.suppress(AssertionError):  # it is on its way
            state = "document.getElementById('connection')?.dataset.state"
            if await tab.evaluate(state) == "live":
                return
        if any("ERR_NETWORK_CHANGED" in error for error in tab.errors):
            tab.errors.clear()
            await tab.go(address.origin + address.path.partition("enter")[0])
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def shown_session(
    *,
    is_interactive: bool = False,
    is_controlling: bool = False,
    lesson: q.PageLesson | None = None,
) -> AsyncIterator[Shown]:
    with short_folder() as folder:
        async with serve_here(folder) as here, here.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(folder), name="shown"))
            opening = q.OpenPage(
                opened.session_id,
                interactive=is_interactive,
                control=is_controlling,
                lesson=lesson,
            )
            address = await host.call(opening)
            async with chromium() as browser, browser.tab() as tab:
                await tab.look(1000, 700)
                await open_page(tab, address)
                session = host.session(opened.session_id)
                begun = "article.card" if lesson is not None else "#empty:not([hidden])"
                await tab.until(f"document.querySelector({begun!r}) !== null")
                yield Shown(here, session, tab, address, browser)
