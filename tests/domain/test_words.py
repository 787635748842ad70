"""Durations, sizes and glyphs: one home for each, the same in every client."""

from __future__ import annotations

from typing import get_args

import pytest
from wcwidth import wcswidth

from codeexec.domain.snapshot import ExecutionStatus, KernelState
from codeexec.domain.text import glyphs
from codeexec.domain.text.words import duration, size_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (185, "3:05"),
        (3599.7, "1:00:00"),
        (8040, "2:14:00"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (3_440_000, "3.4 MB"),
        (120_000_000_000, "120 GB"),
        (5 * 10**15, "5.0 PB"),
    ],
)
def test_sizes(size: int, words: str) -> None:
    assert size_words(size) == words


def test_each_state_has_a_glyph_one_cell_wide() -> None:
    statuses = {each for part in get_args(ExecutionStatus) for each in get_args(part)}
    assert set(glyphs.EXECUTIONS) == statuses
    assert set(glyphs.KERNELS) >= set(get_args(KernelState))
    every = (*glyphs.EXECUTIONS.values(), *glyphs.KERNELS.values())
    assert {wcswidth(each) for each in every} == {1}
    assert len(set(glyphs.EXECUTIONS.values())) == len(glyphs.EXECUTIONS)
