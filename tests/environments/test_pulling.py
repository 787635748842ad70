"""How far an image has come, read from what engines really drew while they fetched one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.domain.events.starts import ImagePullAdvanced
from codeexec.domain.text.pulls import BAR, pull_words
from codeexec.environments.docker.pulling import Pull, PullReader

RECORDED = Path(__file__).parent / "pulls"
"""`docker pull` (28.2) and `podman pull` (4.3) of an image of three layers, in a terminal."""

DOCKER = (RECORDED / "docker.txt").read_bytes().decode()
PODMAN = (RECORDED / "podman.txt").read_bytes().decode()


def read(text: str) -> list[Pull]:
    """Each state that was told, one letter after the other."""
    reader, found = PullReader(), [Pull()]
    for letter in text:
        reader.take(letter)
        if reader.pull != found[-1]:
            found.append(reader.pull)
    reader.end()
    return [*found, reader.pull]


@pytest.mark.parametrize(
    ("drawn", "size", "first"),
    [
        (DOCKER, 7_002_000 + 14_000_000 + 21_010_000, Pull(0, 1, 0, 0)),
        (
            PODMAN,
            int(6.7 * (1 << 20)) + int(13.4 * (1 << 20)) + 20 * (1 << 20),
            Pull(0, 1, 5 << 20, 20 << 20),
        ),
    ],
    ids=["docker", "podman"],
)
def test_it_grows_until_all_is_there(drawn: str, size: int, first: Pull) -> None:
    found = read(drawn)
    assert found[1] == first
    assert found[-1] == Pull(3, 3, size, size)
    assert all(pull.done <= pull.total for pull in found)
    counts = [(pull.layers, pull.layers_done, pull.total, pull.done) for pull in found]
    assert all(a <= b for one, next in pairwise(counts)
               for a, b in zip(one, next, strict=True))  # fmt: skip


@pytest.mark.slow
@given(st.lists(st.integers(0, len(DOCKER)), max_size=8))
def test_wherever_it_is_cut_it_is_read_alike(cuts: list[int]) -> None:
    reader = PullReader()
    bounds = [0, *sorted(cuts), len(DOCKER)]
    for start, end in pairwise(bounds):
        reader.take(DOCKER[start:end])
    assert reader.pull == read(DOCKER)[-1]


def test_layers_that_are_here_and_those_that_are_tried_again() -> None:
    reader = PullReader()
    reader.take("3.12-slim: Pulling from library/python\n")
    reader.take("b338562f40a7: Already exists \n4a27a9cb7a2f: Waiting \n")
    reader.take("4a27a9cb7a2f: Downloading [=>    ]  1.5MB/30MB\n")
    assert reader.pull == Pull(1, 2, 1_500_000, 30_000_000)
    reader.take("4a27a9cb7a2f: Retrying in 5 seconds \n")
    reader.take("4a27a9cb7a2f: Downloading [>     ]  300kB/30MB\n")
    assert reader.pull == Pull(1, 2, 300_000, 30_000_000)
    reader.take("4a27a9cb7a2f: Download complete \n")
    # Newer engines tell the time that unpacking takes, and no sizes.
    reader.take("4a27a9cb7a2f: Extracting 2 s \n4a27a9cb7a2f: Pull complete \n")
    assert reader.pull == Pull(2, 2, 30_000_000, 30_000_000)


def test_on_a_pipe_podman_names_its_layers_alone() -> None:
    reader = PullReader()
    reader.take(f"Copying blob sha256:{'ab' * 32}\nCopying blob {'cd' * 6} skipped: exists \n")
    assert reader.pull == Pull(1, 2)


def test_what_is_of_no_layer_is_kept_to_say_why_it_failed() -> None:
    reader = PullReader()
    reader.take("1: Pulling from a/b\r\n\x1b[1A\x1b[2Kb338562f40a7: Waiting \r\n")
    reader.take("Error response from daemon: manifest unknown")
    reader.end()
    assert reader.said.splitlines()[-1] == "Error response from daemon: manifest unknown"
    assert "Waiting" not in reader.said


@given(st.text())
def test_nothing_that_is_drawn_is_an_error(text: str) -> None:
    reader = PullReader()
    reader.take(text + "\nabcdefabcdef: Downloading [] ..kB/1.2.3MB\n")
    reader.end()
    assert reader.pull.layers >= 0


@pytest.mark.parametrize(
    ("pull", "words"),
    [
        (ImagePullAdvanced("a"), ""),
        (ImagePullAdvanced("a", 0, 3), f"{'─' * BAR} 0 of 3 layers"),
        (ImagePullAdvanced("a", 0, 3, 21_000_000, 42_000_000), "━━━━━━━━──────── 21 of 42 MB"),
        (ImagePullAdvanced("a", 2, 4, 42, 42), "━━━━━━━━──────── 2 of 4 layers"),
        (ImagePullAdvanced("a", 3, 3, 42, 42), f"{'━' * BAR} 3 of 3 layers"),
    ],
)
def test_the_words_for_it(pull: ImagePullAdvanced, words: str) -> None:
    assert pull_words(pull) == words
