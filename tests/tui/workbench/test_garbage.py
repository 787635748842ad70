"""Garbage is looked for between the keys."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from codeexec.tui.textual_ext import gc as garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def age(times: int) -> None:
    """As many collections of the young as come about by work."""
    for _ in range(times):
        gc.collect(1)


def test_all_is_looked_through_when_it_is_due_and_nobody_types() -> None:
    garbage.begin()
    gc.collect()
    assert not garbage.tidy(60.0)
    age(20)
    assert not garbage.tidy(0.1)
    assert gc.get_count()[2] >= 20  # a thread of another test may have added one
    assert garbage.tidy(60.0)
    assert gc.get_count()[2] < 20


def test_who_types_on_and_on_is_interrupted_at_last() -> None:
    garbage.begin()
    gc.collect()
    age(400)
    assert garbage.tidy(0.1)


def test_python_itself_never_looks_through_all() -> None:
    garbage.begin()
    gc.collect()
    held: list[list[list[object]]] = [[[] for _ in range(10)] for _ in range(40_000)]
    assert gc.get_count()[2] > 10
    del held
