"""The emulator of a screen: used by one thread at a time, and by nobody once it is freed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from codeexec.domain.errors import NotFound
from codeexec.domain.terminals import Typed
from codeexec.environments.base import TerminalSize
from codeexec.session.terminals.emulator import Effects
from codeexec.session.terminals.ghostty import GHOSTTY, GhosttyEmulator
from codeexec.session.terminals.screen import INLINE, Screen, ScreenStream

SIZE = TerminalSize(20, 4)


async def test_a_screen_is_freed_only_when_the_thread_that_feeds_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = GhosttyEmulator.feed
    has_begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def feed_slowly(emulator: GhosttyEmulator, data: bytes) -> Effects:
        loop.call_soon_threadsafe(has_begun.set)
        may_end.wait()
        return feed(emulator, data)

    monkeypatch.setattr(GhosttyEmulator, "feed", feed_slowly)
    screen = Screen(GHOSTTY.make(SIZE))
    feeding = asyncio.create_task(screen.feed(b"x" * (INLINE + 1)))
    await has_begun.wait()
    feeding.cancel()
    await asyncio.sleep(0)
    feeding.cancel()
    closing = asyncio.create_task(screen.close())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not closing.done()
    may_end.set()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await feeding


USES: list[Callable[[Screen], Awaitable[object]]] = [
    lambda screen: screen.feed(b"x"),
    lambda screen: screen.resize(SIZE),
    lambda screen: screen.encode(Typed("x")),
    lambda screen: screen.save(),
    lambda screen: screen.title_and_folder(),
    lambda screen: screen.rows_now(),
    lambda screen: screen.text_between(0, 0, 1),
    lambda screen: screen.bottom(),
    lambda screen: screen.update_since(0, 0),
]


@pytest.mark.parametrize("use", USES)
async def test_a_closed_screen_is_not_used(use: Callable[[Screen], Awaitable[object]]) -> None:
    screen = Screen(GHOSTTY.make(SIZE))
    await screen.close()
    await screen.close()
    with pytest.raises(NotFound):
        await use(screen)


async def test_a_stream_ends_with_its_screen_while_the_program_holds_a_frame() -> None:
    screen = Screen(GHOSTTY.make(SIZE))
    await screen.feed(b"\x1b[?2026hframe")
    stream = ScreenStream(screen, lambda: 0)
    reading = asyncio.create_task(anext(stream.read(), None))
    for _ in range(10):
        await asyncio.sleep(0)
    await screen.close()
    assert await reading is None
