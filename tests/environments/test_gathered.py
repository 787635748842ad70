"""Calls in a thread that come soon after each other share one job."""

from __future__ import annotations

import asyncio
import threading

import pytest

from codeexec.environments import gathered
from codeexec.environments.gathered import call_gathered


async def test_calls_under_load_share_a_job_and_each_has_its_own_outcome(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    assert await call_gathered(threading.get_ident) != threading.get_ident()
    jobs = 0
    run_in_executor = loop.run_in_executor

    def count(*arguments: object) -> asyncio.Future[object]:
        nonlocal jobs
        jobs += 1
        return run_in_executor(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "run_in_executor", count)
    monkeypatch.setattr(gathered, "GATHER", 0.5)

    def fail() -> int:
        raise OSError("no such disk")

    calls = [lambda n=n: n for n in range(20)]
    async with asyncio.timeout(60):
        outcomes = await asyncio.gather(
            call_gathered(fail), *map(call_gathered, calls), return_exceptions=True
        )
    assert outcomes[1:] == list(range(20))
    assert isinstance(outcomes[0], OSError)
    assert jobs == 1


async def test_a_call_that_nobody_waits_for_any_more_harms_no_other() -> None:
    begun, go = threading.Event(), threading.Event()

    def wait() -> bool:
        begun.set()
        return go.wait(60)

    left = asyncio.create_task(call_gathered(wait))
    kept = asyncio.create_task(call_gathered(lambda: 1))
    assert await asyncio.to_thread(begun.wait, 60)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    go.set()
    async with asyncio.timeout(60):
        assert await kept == 1
