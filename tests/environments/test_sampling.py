"""Processes are looked at in rounds, all of them in one job, until none is left to look at."""

from __future__ import annotations

import asyncio
import threading

import pytest

from codeexec.environments import sampling

DEADLINE = 30.0


async def test_all_are_looked_at_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "PAUSE", 0.01)
    sampler = sampling.get_sampler()
    rounds: list[tuple[str, bool]] = []
    is_main = threading.main_thread().ident

    def fail() -> None:
        raise ValueError("this one cannot be looked at")

    def first() -> None:
        rounds.append(("first", threading.get_ident() == is_main))

    def second() -> None:
        rounds.append(("second", threading.get_ident() == is_main))

    for look in (fail, first, second):
        sampler.add(look)
    async with asyncio.timeout(DEADLINE):
        while {name for name, _ in rounds} != {"first", "second"}:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        sampler.remove(second)
        rounds.clear()
        while len(rounds) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert not any(in_loop for _, in_loop in rounds)
    assert [name for name, _ in rounds][1:] == ["first", "first"]
    sampler.remove(fail)
    sampler.remove(first)
