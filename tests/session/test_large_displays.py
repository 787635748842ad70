"""Large displays are stored beside the loop: their kernel waits for them, and nothing else does."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.session.files.artifacts import LARGE, BlobStore
from codeexec.session.session import Session
from support.servers import wait_until
from support.sessions import DEADLINE, finished, open_host, open_session, rows, run, submit

LARGE_HTML = f"""
from IPython.display import HTML, display
print("before")
display(HTML("<p>héllo</p>\\r\\n" * {LARGE // 8}), metadata={{"n": 1}})
print("between")
display({{"application/json": [1] * {LARGE}}}, raw=True)
print("after")
"""


@pytest.fixture(name="session")
async def opened(tmp_path: Path) -> AsyncIterator[Session]:
    async with open_host(tmp_path / "state") as host:
        yield await open_session(host, tmp_path)


@pytest.fixture
def storing(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Set when a display is being stored; and to be set, so that this goes on."""
    begun, released = threading.Event(), threading.Event()
    put: Callable[[BlobStore, Iterable[bytes]], tuple[str, int]] = BlobStore.put_pieces

    def held(blobs: BlobStore, pieces: Iterable[bytes]) -> tuple[str, int]:
        begun.set()
        assert released.wait(DEADLINE)
        return put(blobs, pieces)

    monkeypatch.setattr(BlobStore, "put_pieces", held)
    return begun, released


async def shown(session: Session, execution_id: str) -> list[str]:
    """The rows of an execution; of displays the type of the largest form."""
    view = session.snapshot.executions[execution_id]
    return [
        max(row.display.parts, key=lambda part: part.size).mime if row.display else row.text
        for row in await rows(session, view)
    ]


async def test_other_kernels_and_requests_go_on_while_a_large_display_is_stored(
    session: Session, storing: tuple[threading.Event, threading.Event]
) -> None:
    begun, released = storing
    await run(session, "1 + 1")
    try:
        large = await submit(session, LARGE_HTML)
        await wait_until(begun.is_set, "a display is being stored")
        other = await run(session, "print('other')", kernel="python-2")
        assert other.status == "ok"
        assert session.snapshot.executions[large].is_open
        assert await shown(session, large) in ([], ["before"])
        await session.call(q.ListDisplays())
    finally:
        released.set()
    view = await finished(session, large)
    types = ["text/html", "application/json"]
    assert await shown(session, large) == ["before", types[0], "between", types[1], "after"]
    (plain, html), (json_part, *_) = [
        row.display.parts for row in await rows(session, view) if row.display is not None
    ]
    text = "<p>héllo</p>\n" * (LARGE // 8)
    assert session.blobs.read(html.blob or "").decode() == text
    assert (html.size, plain.mime) == (len(text.encode()), "text/plain")
    assert json_part.size == 2 * LARGE + 1


async def test_a_kernel_that_dies_behind_a_large_display_dies_after_it(
    session: Session, storing: tuple[threading.Event, threading.Event]
) -> None:
    begun, released = storing
    code = "import os, time\ntime.sleep(0.2)\nos._exit(1)"
    large = await submit(session, LARGE_HTML)
    queued = await submit(session, code, stop_on_error=False)
    await wait_until(begun.is_set, "a display is being stored")
    # The end of the kernel waits for the display: it stands still until then.
    threading.Timer(1.0, released.set).start()
    view = await finished(session, large)
    assert (view.status, (await shown(session, large))[-1]) == ("ok", "after")
    await finished(session, queued)
    assert (await run(session, "print(1)")).status == "ok"
    assert session.snapshot.kernel.generation == 2


async def test_the_end_of_a_session_stores_what_still_waits(
    session: Session, storing: tuple[threading.Event, threading.Event]
) -> None:
    begun, released = storing
    large = await submit(session, LARGE_HTML)
    await wait_until(begun.is_set, "a display is being stored")
    threading.Timer(0.5, released.set).start()
    await session.call(q.ShutDownKernel())
    assert "text/html" in await shown(session, large)
