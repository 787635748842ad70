"""Times of jobs: as Slurm writes them, and as they stand in the status line."""

from __future__ import annotations

import pytest

from codeexec.domain.places.jobs import seconds_left
from codeexec.domain.text.words import time_left


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("59:57", 3597),
        ("0:05", 5),
        ("1:00:00", 3600),
        ("2-03:04:05", 2 * 86400 + 3 * 3600 + 4 * 60 + 5),
        ("UNLIMITED", None),
        ("INVALID", None),
        ("", None),
        ("-1:00", None),
        ("x-1:00:00", None),
        ("5", None),
    ],
)
def test_a_time_of_slurm(words: str, seconds: float | None) -> None:
    assert seconds_left(words) == seconds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (10 * 3600, "10 h left"),
        (7200, "2 h left"),
        (7199, "119 min left"),
        (60, "1 min left"),
        (59, "less than 1 min left"),
        (0, "no time left"),
        (-5, "no time left"),
    ],
)
def test_the_time_that_is_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words
