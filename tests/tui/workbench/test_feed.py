"""Frames: the first at once, then at most one an interval, and never less than what is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from codeexec.domain.events import (
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    KernelReady,
    KernelRef,
    KernelStarting,
    NoticeGiven,
    OutputChanged,
    Recorded,
)
from codeexec.domain.outputs import Run
from codeexec.tui.session import feed
from codeexec.tui.session.feed import BURST, Frame, FrameBuilder, frames


def records(*events: object, first: int = 1) -> list[Recorded]:
    return [Recorded(seq, 1000.0 + seq, event) for seq, event in enumerate(events, first)]  # type: ignore[arg-type]


BEGIN = records(
    KernelStarting(1, KernelRef("python3")),
    KernelReady(1, pid=42),
    ExecutionQueued("a", "print(1)"),
    ExecutionStarted("a"),
)


def test_a_frame_names_what_is_new() -> None:
    folder = FrameBuilder()
    folder.take(BEGIN)
    first = folder.frame()
    assert first.changed == {"a"}
    assert first.kernel_changed
    folder.take(records(OutputChanged("a", 0, 1, (Run("stdout", "1"),)), first=5))
    second = folder.frame()
    assert second.changed == {"a"}
    assert not second.kernel_changed
    assert second.before is first.snapshot
    assert not folder.has_news


def test_rows_written_again_are_named_from_the_first() -> None:
    folder = FrameBuilder()
    folder.take(BEGIN)
    rows = Run("stdout", "\n".join(map(str, range(10))))
    folder.take(records(OutputChanged("a", 0, 10, (rows,)), first=5))
    assert folder.frame().rewritten == {}
    folder.take(
        records(
            OutputChanged("a", 9, 11, (Run("stdout", "x\ny"),)),
            OutputChanged("a", 11, 12, (Run("stdout", "z"),)),
            first=6,
        )
    )
    assert folder.frame().rewritten == {"a": 9}


def test_notices_are_told_once() -> None:
    folder = FrameBuilder()
    folder.take(records(NoticeGiven("info", "Hello")))
    assert [notice.title for notice in folder.frame().notices] == ["Hello"]
    folder.take(records(NoticeGiven("info", "Again"), first=2))
    assert [notice.title for notice in folder.frame().notices] == ["Again"]


async def test_a_flood_is_held_to_frames_and_ends_with_all_of_it() -> None:
    async def flood() -> AsyncIterator[Sequence[Recorded]]:
        yield BEGIN
        for number in range(2000):
            yield records(
                OutputChanged("a", number, number + 1, (Run("stdout", str(number)),)),
                first=5 + number,
            )
            await asyncio.sleep(0)

    # A pace, not a duration: the slower the machine, the more frames there may be.
    loop = asyncio.get_running_loop()
    begun = loop.time()
    seen: list[Frame] = [frame async for frame in frames(flood(), interval=0.02)]
    assert seen[-1].snapshot.executions["a"].total == 2000
    assert len(seen) <= (loop.time() - begun) / 0.02 + BURST + 1


async def test_what_flies_past_is_painted_seldom_and_its_end_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "FLOOD_INTERVAL", 3600.0)
    over = asyncio.Event()
    shown = {total: asyncio.Event() for total in (0, 500)}

    async def flood() -> AsyncIterator[Sequence[Recorded]]:
        yield BEGIN
        await shown[0].wait()
        for number in range(20):
            rows = Run("stdout", "\n".join(map(str, range(500))))
            said = OutputChanged("a", 500 * number, 500 * number + 500, (rows,))
            yield records(said, first=5 + number)
            await shown[500].wait()
            await asyncio.sleep(0)  # whoever waits for news has its turn
        yield records(ExecutionFinished("a", "ok"), first=25)
        await over.wait()

    totals = []
    async for frame in frames(flood(), interval=0.001):
        view = frame.snapshot.executions["a"]
        totals.append(view.total)
        if view.total in shown:
            shown[view.total].set()
        if not view.is_open:
            over.set()
    assert totals == [0, 500, 10_000]


async def test_an_error_of_the_stream_is_not_swallowed() -> None:
    async def broken() -> AsyncIterator[Sequence[Recorded]]:
        yield BEGIN
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        async for _ in frames(broken(), interval=0.001):
            pass


async def test_a_short_run_is_one_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "SETTLE", 3600.0)

    async def run() -> AsyncIterator[Sequence[Recorded]]:
        yield BEGIN[:2]
        await asyncio.sleep(0)
        yield [Recorded(5, 1.0, ExecutionQueued("b", "2")), Recorded(6, 1.0, ExecutionStarted("b"))]
        await asyncio.sleep(0)
        yield records(OutputChanged("b", 0, 1, (Run("stdout", "2"),)), first=7)

    seen = [frame async for frame in frames(run())]
    assert [set(frame.changed) for frame in seen] == [set(), {"b"}]
    assert seen[-1].snapshot.executions["b"].total == 1


async def test_a_run_that_says_nothing_is_shown_all_the_same() -> None:
    over = asyncio.Event()

    async def run() -> AsyncIterator[Sequence[Recorded]]:
        yield BEGIN
        await over.wait()

    async for frame in frames(run()):
        if "a" in frame.changed:
            over.set()
    assert over.is_set()
