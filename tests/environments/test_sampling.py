"""Processes are looked at in rounds, all of them in one job, until none is left to look at."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest

from codeexec.environments.usage import sampling
from codeexec.environments.usage.process_table import ProcessTable

DEADLINE = 90.0


async def test_all_are_looked_at_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "PAUSE", 0.01)
    sampler = sampling.get_sampler()
    rounds: list[tuple[str, bool]] = []
    is_main = threading.main_thread().ident

    def fail(table: ProcessTable | None) -> None:
        raise ValueError("this one cannot be looked at")

    def first(table: ProcessTable | None) -> None:
        rounds.append(("first", threading.get_ident() == is_main))

    def second(table: ProcessTable | None) -> None:
        rounds.append(("second", threading.get_ident() == is_main))

    for look in (fail, first, second):
        sampler.add(look)
    async with asyncio.timeout(DEADLINE):
        while {name for name, _ in rounds} != {"first", "second"}:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        sampler.remove(second)
        rounds.clear()
        while [name for name, _ in rounds].count("first") < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    sampler.remove(fail)
    sampler.remove(first)
    assert not any(in_loop for _, in_loop in rounds)
    # The round that was under way as it was removed may still have called it, and no later one.
    names = [name for name, _ in rounds]
    before = names.index("second") if "second" in names else 0
    assert before <= 1
    assert names.count("second") <= 1


async def test_many_looks_share_a_table_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "PAUSE", 0.01)
    monkeypatch.setattr(sampling, "MANY", 2)
    sampler = sampling.get_sampler()
    tables: list[ProcessTable | None] = []
    sampler.add(tables.append)
    async with asyncio.timeout(DEADLINE):
        while not tables:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert set(tables) == {None}
        others: list[ProcessTable | None] = []
        look = others.append
        sampler.add(look)
        while tables[-1] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert os.getpid() in tables[-1].rows
    sampler.remove(tables.append)
    sampler.remove(look)
