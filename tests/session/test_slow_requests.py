"""Slow reads, lists and searches: each runs beside the loop, within a limit, and can be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from codeexec.client.embedded import EmbeddedHost, EmbeddedSession
from codeexec.domain import requests as q
from codeexec.domain.errors import NotFound, UsageError
from codeexec.domain.events import ExecutionQueued, OutputChanged
from codeexec.domain.outputs import Run
from codeexec.domain.text import patterns
from codeexec.domain.text.patterns import UserPattern
from codeexec.domain.wire.codec import decode_reply
from codeexec.environments import names
from codeexec.environments.budget import Budget, Pace
from codeexec.environments.files import Folder
from codeexec.environments.globs import glob
from codeexec.kernels.factory import Kernels
from codeexec.server.peer import _encoded
from codeexec.session.directory import SessionDirectory
from codeexec.session.files.files import LARGEST
from codeexec.session.host import Host
from codeexec.session.storage.history import HistoryStore
from codeexec.session.storage.journal import Journal
from support.servers import wait_until

DEADLINE = 90.0

SLOW_PATTERNS = [
    ("(a+)+$", "a" * 40 + "b"),
    ("(a|aa)+$", "a" * 60 + "b"),
    ("(x+x+)+y", "x" * 5000),
    (r"(.*)*\1\1\1z", "ab" * 5000),
    ("(?:(?:a?){40}){40}b", "a" * 2000),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 60),
]


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[EmbeddedSession]:
    folder = tmp_path / "work"
    folder.mkdir()
    async with EmbeddedHost(tmp_path / "state") as host:
        summary = await host.call(q.OpenSession(cwd=str(folder), start_kernel=False))
        yield host.session(summary.session_id)


class Held:
    """Replaces a method by one that waits for `released`, and notes in which thread it ran."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.started = threading.Event()
        self.released = threading.Event()
        self.threads: list[threading.Thread] = []
        original: Callable[..., Any] = getattr(owner, name)

        def held(*given: Any, **named: Any) -> Any:
            self.threads.append(threading.current_thread())
            self.started.set()
            assert self.released.wait(DEADLINE)
            return original(*given, **named)

        monkeypatch.setattr(owner, name, held)


@pytest.mark.parametrize(
    ("owner", "method", "request_"),
    [
        (Folder, "open", q.ReadFile("a.txt")),
        (Folder, "open", q.PinArtifact("a.txt")),
        (Folder, "rows", q.ListFiles(pattern="**")),
        (Folder, "write", q.WriteFile("b.txt", b"x")),
        (Journal, "search", q.SearchRows("x")),
        (HistoryStore, "search", q.SearchHistory("x")),
    ],
)
async def test_nobody_waits_for_what_is_slow(
    session: EmbeddedSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    request_: q.Request[q.Reply],
) -> None:
    (tmp_path / "work/a.txt").write_text("a")
    held = Held(monkeypatch, owner, method)
    slow = asyncio.create_task(session.call(request_))
    try:
        async with asyncio.timeout(DEADLINE):
            await wait_until(held.started.is_set, "the slow work to begin")
            assert (await session.call(q.GetUsage())).rss is None
        assert not slow.done()
    finally:
        held.released.set()
    await asyncio.wait_for(slow, DEADLINE)
    assert threading.main_thread() not in held.threads


async def test_files_are_collected_beside_the_loop_and_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch, Folder, "changed")
    async with EmbeddedHost(tmp_path / "state") as host:
        summary = await host.call(q.OpenSession(cwd=str(tmp_path)))
        session = host.session(summary.session_id)
        write = "open('plot.svg', 'w').write('<svg/>'); open('data.bin', 'w').write('x')"
        await session.call(q.Execute(write, execution_id="one"))
        async with asyncio.timeout(DEADLINE):
            await wait_until(held.started.is_set, "the look at the folder")
            assert (await session.call(q.GetUsage())).rss
            stopping = asyncio.create_task(host.call(q.StopSession(summary.session_id)))
            async for batch in session.events():
                if any(type(record.event).__name__ == "KernelStopped" for record in batch):
                    break
            held.released.set()
            await stopping
            kinds = []
            async for batch in host.session(summary.session_id).events():
                kinds += [record.event for record in batch]
    names = [type(event).__name__ for event in kinds]
    assert names.index("ArtifactAdded") < names.index("SessionClosed")
    assert names.count("ArtifactAdded") == 1
    assert threading.main_thread() not in held.threads


def test_only_names_that_can_be_shown_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        (tmp_path / f"{number}.txt").touch()
        (tmp_path / "below").mkdir(exist_ok=True)
        (tmp_path / "below" / f"{number}.png").touch()
    (tmp_path / "new.png").touch()
    os.utime(tmp_path / "new.png", ns=(2000, 2000))
    (tmp_path / "old.png").touch()
    os.utime(tmp_path / "old.png", ns=(1999, 1999))
    (tmp_path / "link.png").symlink_to("new.png")
    looked: list[str] = []
    real = os.stat

    def stat(path: Any, **named: Any) -> os.stat_result:
        looked.append(str(path))
        return real(path, **named)

    folder = Folder(tmp_path)
    monkeypatch.setattr(os, "stat", stat)
    found = folder.changed(2000, lambda name: name.endswith(".png"))
    assert [str(entry.path) for entry in found] == ["new.png"]
    assert len(looked) < 20


def test_names_of_a_large_folder_are_read_again_only_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "FEW_NAMES", 2)
    monkeypatch.setattr(names, "SETTLED", -1)
    for name in ("a.png", "b.png", "c.txt"):
        (tmp_path / name).touch()
    read: list[None] = []
    folder = Folder(tmp_path)

    def changed(most: int = 100) -> list[str]:
        read.clear()
        entries = folder.changed(
            0, lambda name: name.endswith(".png"), most, lambda: read.append(None)
        )
        return [str(entry.path) for entry in entries]

    assert changed() == ["a.png", "b.png"]
    assert len(read) == 3 + 2
    assert changed() == ["a.png", "b.png"]
    assert len(read) == 2
    assert changed(most=1) == ["a.png"]
    (tmp_path / "new.png").touch()
    os.utime(tmp_path, ns=(1000, 1000))  # the clock of the file system may not have advanced
    assert changed() == ["a.png", "b.png", "new.png"]
    (tmp_path / "a.png").unlink()
    (tmp_path / "c.txt").rename(tmp_path / "c.png")
    os.utime(tmp_path, ns=(2000, 2000))
    assert changed() == ["b.png", "c.png", "new.png"]
    os.utime(tmp_path / "b.png", ns=(2000, 2000))
    (tmp_path / "c.png").write_text("written in place")
    entries = folder.changed(2001, lambda name: name.endswith(".png"))
    assert [(str(entry.path), entry.size) for entry in entries] == [("c.png", 16), ("new.png", 0)]


def test_names_of_a_folder_that_has_just_changed_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    folder = Folder(tmp_path)
    read: list[None] = []
    for looks in (1, 2):
        folder.changed(0, lambda name: True, on_entry=lambda: read.append(None))
        assert len(read) >= 2 * looks


def test_rows_are_sorted_in_slices() -> None:
    rows = [str(number * 7919 % 10_007) for number in range(10_007)]
    assert names.sorted_in_slices(rows, key=str) == sorted(rows)
    assert names.sorted_in_slices([], key=str) == []


def test_work_in_a_thread_pauses_after_each_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(now)

    monkeypatch.setattr("codeexec.environments.budget.time.perf_counter", lambda: now)
    monkeypatch.setattr("codeexec.environments.budget.time.sleep", pause)
    pace = Pace()
    for _ in range(10_000):
        now += 0.000_01
        pace.step()
    assert len(pauses) > 100
    assert max(b - a for a, b in itertools.pairwise(pauses)) < 0.001


async def test_sessions_are_listed_and_found_beside_the_loop(
    session: EmbeddedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host(tmp_path / "other", Kernels())
    held = Held(monkeypatch, SessionDirectory, "summaries")
    requests = [host.call(q.ListSessions(ended=True)), host.find_session("no such name")]
    for request_ in requests:
        held.started.clear()
        held.released.clear()
        slow = asyncio.ensure_future(request_)
        try:
            async with asyncio.timeout(DEADLINE):
                await wait_until(held.started.is_set, "the summaries to be read")
                assert (await session.call(q.GetUsage())).rss is None
        finally:
            held.released.set()
        with contextlib.suppress(NotFound):
            assert await slow == q.SessionList(())
    assert threading.main_thread() not in held.threads
    await host.close(leave_kernels=False)


def test_a_list_of_one_level_looks_at_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("top.py", "a/middle.py", "a/b/deep.py"):
        (tmp_path / name).touch()
    seen: list[None] = []

    def listed(pattern: str) -> list[str]:
        seen.clear()
        entries = Folder(tmp_path).entries("", pattern, lambda: seen.append(None))
        return [str(entry.path) for entry in entries]

    assert listed("*") == ["a", "top.py"]
    assert len(seen) == 2
    assert listed("*/*.py") == ["a/middle.py"]
    assert len(seen) == 4
    assert listed("**/*.py") == ["a/b/deep.py", "a/middle.py", "top.py"]


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    session: EmbeddedSession, tmp_path: Path
) -> None:
    with (tmp_path / "work/huge").open("wb") as huge:
        huge.truncate(3 * 2**30)
    with pytest.raises(UsageError, match="3,221,225,472 bytes"):
        await session.call(q.ReadFile("huge"))
    with (tmp_path / "work/huge").open("wb") as huge:
        huge.truncate(LARGEST)
    assert len((await session.call(q.ReadFile("huge"))).data) == LARGEST


async def test_a_cancelled_list_stops_its_thread(
    session: EmbeddedSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()
    looking = threading.Event()

    def rows(self: Folder, path: str, pattern: str, on_entry: Callable[[], None]) -> None:
        looking.set()
        try:
            while True:
                on_entry()
        except UsageError:
            stopped.set()
            raise

    monkeypatch.setattr(Folder, "rows", rows)
    listing = asyncio.create_task(session.call(q.ListFiles(pattern="**")))
    await wait_until(looking.is_set, "the list to begin")
    listing.cancel()
    assert await asyncio.to_thread(stopped.wait, DEADLINE)


def test_work_out_of_time_says_so() -> None:
    with pytest.raises(UsageError, match="The list took longer than 0 s"):
        Budget(0, "The list").check()
    budget = Budget(60, "The list")
    budget.check()
    budget.stop()
    with pytest.raises(UsageError, match="stopped"):
        budget.check()


# -- regular expressions --------------------------------------------------------------------


@pytest.mark.parametrize(("text", "subject"), SLOW_PATTERNS)
def test_no_pattern_takes_longer_than_its_time(text: str, subject: str) -> None:
    pattern = UserPattern(text, seconds=0.05)
    try:
        assert pattern.search(subject) is None
        assert pattern.find_all(subject) == []
    except UsageError as error:
        assert "took longer than 0.05 s" in error.message


async def test_others_are_answered_while_a_pattern_is_matched(
    session: EmbeddedSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        patterns.UserPattern.__init__,
        "__kwdefaults__",
        {"ignore_case": False, "multiline": False, "seconds": 0.5},
    )
    recorder = session._session.recorder
    recorder.record(
        ExecutionQueued("one", "x"),
        OutputChanged("one", 0, 1, (Run("stdout", "x" * 20_000),)),
    )
    for _ in range(20):  # this process may stand still for the time that one search has
        searching = asyncio.create_task(session.call(q.SearchRows("(x+x+)+y", "one", regex=True)))
        answered = 0
        while not searching.done():
            assert (await session.call(q.GetUsage())).rss is None
            answered += 1
            await asyncio.sleep(0.001)
        with pytest.raises(UsageError, match="took longer"):
            await searching
        if answered > 10:
            return
    pytest.fail("nobody was answered")


@pytest.mark.parametrize(
    "text",
    [
        *("(", "a{1000}{1000}", "((a{1000}){1000}){1000}", "(a{9,99999}){99}", "x" * 1001),
        *("(" * 900, "(?:" * 300 + "a" + ")*" * 300, "[", "\\", "(?P<n>a)(?P<n", "*a"),
        "a{99999999999999999999}",
    ],
)
def test_what_is_no_pattern_or_too_large_is_refused_in_words(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        UserPattern(text)
    assert len(refused.value.message) < 300


def test_patterns_match_as_in_python() -> None:
    pattern = UserPattern(r"^row (\d{1,3})$", multiline=True)
    assert [match[1] for match in pattern.find_all("row 1\nrow x\nrow 123")] == ["1", "123"]
    assert UserPattern("ROW", ignore_case=True).search("a row")
    assert UserPattern("a*").find_all("baab")[0].span() == (1, 3)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*", ["a", "a.py"], ["a/b", ""]),
        ("*.py", [".py", "a.py", "a.py.py"], ["a.pyc", "b/a.py"]),
        ("**/*.py", ["a.py", "b/a.py", "c/b/a.py"], ["a.pyc"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("a*b*c", ["abc", "axbxc", "abbcc"], ["acb", "ab/c"]),
        ("a**c", ["ac", "a/b/c", "axc"], ["a/b"]),
        ("?[x]", ["a[x]"], ["ax", "/[x]"]),
        ("**/a*b/**/c*", ["ab/c", "x/axb/y/z/cc"], ["a/b/c", "x/ab/y"]),
        ("**/**/a", ["a", "x/a", "x/y/a"], ["b"]),
        ("a/**/b/**/c/**/d", ["a/b/c/d", "a/x/b/y/z/c/d"], ["a/c/b/d"]),
    ],
)
def test_globs(pattern: str, yes: list[str], no: list[str]) -> None:
    match = glob(pattern)
    assert [path for path in yes if not match(path)] == []
    assert [path for path in no if path and match(path)] == []


def test_no_glob_is_slow() -> None:
    many_stars = glob("*a" * 200 + "b")
    assert not many_stars("a" * 250)
    assert many_stars("a" * 250 + "b")
    assert not glob("**/" * 100 + "x*y*z")("a/" * 90 + "a" * 200)
    for pattern in ("*" * 501, "**/a/" * 5, "a**" * 5):
        with pytest.raises(UsageError):
            glob(pattern)


async def test_a_search_of_history_can_be_given_up(tmp_path: Path) -> None:
    for store in (HistoryStore(tmp_path / "history.db"), HistoryStore.forgetful()):
        for number in range(3000):
            store.add(q.HistoryEntry("s", str(number), 1.0, f"x = {number}" + " " * 200))
        budget = Budget(60, "The search")
        budget.stop()
        with pytest.raises(UsageError, match="stopped"):
            store.search("nothing of this kind", check=budget.check)
        assert len(store.search("x =", limit=10)) == 10
        store.add(q.HistoryEntry("s", "last", 1.0, "y"))
        assert store.search("y")[0].execution_id == "last"
        store.close()


async def test_a_long_list_is_encoded_in_pieces_and_is_whole() -> None:
    entries = tuple(q.FileEntry(f"a[{number}]", number % 2 == 0) for number in range(12_001))
    for count in (0, 1, 5000, 5001, 12_001):
        reply = q.FileList(entries[:count])
        assert decode_reply(q.FileList, await _encoded(reply)) == reply
