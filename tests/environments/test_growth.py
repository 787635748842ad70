"""The growth of a workspace: what code hides counts, and the work ends early."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codeexec.environments.docker import growth
from codeexec.environments.docker.growth import GrowthMeter, Hidden, Limits, excess
from codeexec.environments.files import MOST_LEVELS, tree
from codeexec.hostfiles.opening import walk
from support.users import ordinary_user

MEGABYTE = 1 << 20
LIMITS = Limits(4 * MEGABYTE, 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "old").write_bytes(bytes(MEGABYTE))
    return tmp_path / "work"


@pytest.fixture
def deep(folder: Path) -> Path:
    """A folder with more levels than are looked into, and a big file at the end."""
    bottom = folder.joinpath(*["d"] * (MOST_LEVELS + 50))
    bottom.mkdir(parents=True)
    with (bottom / "big").open("wb") as file:
        file.write(os.urandom(8 * MEGABYTE))
        os.fsync(file.fileno())
    return folder


async def test_bytes_and_files_are_counted_from_the_start_on(folder: Path) -> None:
    meter = await GrowthMeter.begin(folder, LIMITS)
    grown = await meter.measure()
    assert (grown.size, grown.files, grown.unreadable) == (0, 0, 0)
    (folder / "a").write_bytes(bytes(2 * MEGABYTE))
    (folder / "same").hardlink_to(folder / "a")
    (folder / "link").symlink_to("/")
    grown = await meter.measure()
    assert 2 * MEGABYTE <= grown.size < 3 * MEGABYTE
    assert grown.files == 3
    assert excess(grown, LIMITS) == ""
    (folder / "b").write_bytes(bytes(3 * MEGABYTE))
    words = excess(await meter.measure(), LIMITS)
    assert "4 MB are allowed" in words
    assert "workspace_growth" in words


async def test_masses_of_empty_files_are_too_much(folder: Path) -> None:
    meter = await GrowthMeter.begin(folder, LIMITS)
    for number in range(300):
        (folder / f"{number}").touch()
    grown = await meter.measure()
    assert grown.files > 200
    assert "files, 200 are allowed" in excess(grown, LIMITS)
    assert "workspace_files" in excess(grown, LIMITS)
    for number in range(300, 600):
        (folder / f"{number}").touch()
    assert (await meter.measure()).files > grown.files  # whoever goes on is seen to


async def test_a_folder_too_deep_to_be_looked_into_counts_as_grown(deep: Path) -> None:
    first = await GrowthMeter.begin(deep, LIMITS)
    assert (await first.measure()).unreadable == 0  # it was there before
    fresh = deep / "fresh"
    fresh.mkdir()
    meter = await GrowthMeter.begin(fresh, LIMITS)
    (deep / "d").rename(fresh / "d")
    with (fresh / "other").open("wb") as file:  # the space is lost after the start
        file.write(bytes(2 * MEGABYTE))
        os.fsync(file.fileno())
    grown = await meter.measure()
    (fresh / "d").rename(deep / "d")
    assert grown.unreadable == 1
    assert grown.files >= MOST_LEVELS


async def test_a_closed_folder_counts_as_grown() -> None:
    for _ in range(20):  # others who delete files on the same disk hide what is lost here
        with ordinary_user() as folder:
            meter = await GrowthMeter.begin(folder, LIMITS)
            closed = folder / "closed"
            closed.mkdir()
            with (closed / "big").open("wb") as file:
                file.write(bytes(8 * MEGABYTE))
                os.fsync(file.fileno())
            closed.chmod(0)
            grown = await meter.measure()
            closed.chmod(0o700)
        assert grown.unreadable == 1
        if "cannot be looked into" in excess(grown, LIMITS):
            return
    pytest.fail(f"the closed folder never counted; measured: {grown}")


@pytest.mark.parametrize(
    ("hidden", "counts"),
    [(Hidden(8 * MEGABYTE, 0), True), (Hidden(0, 1), True), (Hidden(0, 0), False)],
)
async def test_bytes_of_a_deleted_file_count_when_the_container_has_it_open(
    folder: Path, hidden: Hidden, counts: bool
) -> None:
    async def ask() -> Hidden:
        return hidden

    for _ in range(20):  # others who delete files on the same disk hide what is lost here
        meter = await GrowthMeter.begin(folder, LIMITS, ask)
        with (folder / "big").open("wb") as file:
            (folder / "big").unlink()
            file.write(os.urandom(8 * MEGABYTE))
            os.fsync(file.fileno())
            grown = await meter.measure()
        assert grown.files == 0
        if (excess(grown, LIMITS) != "") == counts:
            return
    pytest.fail(f"expected to be counted: {counts}; measured: {grown}")


async def test_a_folder_that_is_gone_or_a_link_is_no_error(folder: Path, tmp_path: Path) -> None:
    meter = await GrowthMeter.begin(folder, LIMITS)
    folder.rename(tmp_path / "elsewhere")
    assert (await meter.measure()).unreadable == 1


async def test_the_loop_goes_on_while_a_folder_is_added_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def tree_when_told(handle: int, note_closed: Callable[[str], None]) -> Iterator[Any]:
        threads.append(threading.current_thread())
        begun.set()
        assert go.wait(60)
        yield from tree(handle, note_closed)

    monkeypatch.setattr(growth, "tree", tree_when_told)
    scanning = asyncio.ensure_future(GrowthMeter.begin(folder, Limits(0, 0)))
    async with asyncio.timeout(60):
        while not begun.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert not scanning.done()
    go.set()
    await scanning
    assert threading.main_thread() not in threads


def test_a_tree_is_walked_without_recursion_and_with_few_descriptors(deep: Path) -> None:
    closed: list[str] = []
    with walk(deep, (), listing=True) as handle:
        found = [path for path, _ in tree(handle, closed.append)]
    assert len(found) == MOST_LEVELS + 1
    assert closed == ["/".join(["d"] * MOST_LEVELS)]
