"""Blobs, history and retention: what is kept, for how long, and for whom."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain.clock import SystemClock
from codeexec.domain.content.mime import content_of
from codeexec.domain.errors import NotFound, StorageError
from codeexec.domain.outputs import MimePart
from codeexec.domain.requests import HistoryEntry, OpenSession
from codeexec.kernels.factory import Kernels
from codeexec.session.clock_guard import ClockGuard
from codeexec.session.files.artifacts import INLINE, LARGE, BlobStore, is_large
from codeexec.session.host import Host
from codeexec.session.retention import prune
from codeexec.session.settings import HostSettings
from codeexec.session.storage import history as history_module
from codeexec.session.storage.history import MAX_CODE, HistoryStore

# -- blobs -------------------------------------------------------------------------


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs", quota=1000)


def test_a_blob_is_kept_once_under_its_content(blobs: BlobStore) -> None:
    digest = blobs.put(b"data")
    assert blobs.put(b"data") == digest == BlobStore.digest(b"data")
    assert blobs.read(digest) == b"data"
    assert blobs.size == 4
    (file,) = blobs.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(blobs.folder.stat().st_mode) == 0o700


def test_the_oldest_unpinned_go_when_the_quota_is_full(blobs: BlobStore) -> None:
    first, second, third = (blobs.put(bytes([n]) * 300) for n in range(3))
    blobs.pin(first)
    blobs.put(b"\x01" * 300)  # the second is used again, so the third is now the oldest
    fourth = blobs.put(b"\x03" * 300)
    assert blobs.take_evicted() == (third,)
    assert blobs.take_evicted() == ()
    for digest in (first, second, fourth):
        assert len(blobs.read(digest)) == 300
    with pytest.raises(NotFound):
        blobs.read(third)
    large = blobs.put(b"x" * 5000)
    assert blobs.read(large) == b"x" * 5000
    assert set(blobs.take_evicted()) == {second, fourth}


def test_blobs_are_found_again_in_the_order_of_their_use(tmp_path: Path, blobs: BlobStore) -> None:
    digests = [blobs.put(bytes([n]) * 400) for n in range(2)]
    for at, digest in enumerate(reversed(digests)):
        os.utime(blobs.folder / digest, (at, at))
    (blobs.folder / ".half.part").write_bytes(b"left by a crash")
    again = BlobStore(blobs.folder, quota=1000)
    assert again.size == 800
    again.put(b"z" * 400)
    assert again.take_evicted() == (digests[1],)
    assert not (blobs.folder / ".half.part").exists()


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 64, "A" * 64, "0" * 64 + "\n"])
def test_only_digests_are_looked_up(blobs: BlobStore, digest: str) -> None:
    with pytest.raises(NotFound):
        blobs.read(digest)


def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        BlobStore(tmp_path / "file" / "blobs")
    assert caught.value.next_step


def test_parts_are_made_from_values_as_jupyter_sends_them(blobs: BlobStore) -> None:
    picture = os.urandom(INLINE + 1)
    small = base64.encodebytes(b"small" * 50).decode()
    parts = blobs.make_parts(
        {
            "text/plain": "\x1b[31m<Figure>\x1b[0m\x1b]0;x\x07",
            "text/html": ["<b>\n", "x</b>\x1b[2J"],
            "image/png": base64.b64encode(picture).decode(),
            "image/gif": small,
            "image/svg+xml": "<svg/>",
            "application/json": {"a": [1, None, "é"]},
            "application/x+json": ["a", "b"],
            "image/jpeg": "not base64!",
        }
    )
    by_mime = {part.mime: part for part in parts}
    assert list(by_mime) == [part.mime for part in parts]
    assert by_mime["text/plain"].text == "\x1b[31m<Figure>\x1b[0m"
    assert by_mime["text/html"].text == "<b>\nx</b>[2J"
    large = by_mime["image/png"]
    assert (large.text, large.size) == (None, len(picture))
    assert blobs.read(large.blob or "") == picture
    assert by_mime["image/gif"].text == base64.b64encode(b"small" * 50).decode()
    assert by_mime["image/gif"].size == 250
    assert by_mime["image/svg+xml"].text == "<svg/>"
    assert by_mime["application/json"].text == '{"a":[1,null,"é"]}'
    assert by_mime["application/x+json"].text == '["a","b"]'
    assert by_mime["image/jpeg"].text == "not base64!"


@pytest.mark.parametrize("size", [1, INLINE + 1, LARGE + 1, 2**21 + 5])
def test_large_parts_are_made_piece_by_piece_and_are_the_same(tmp_path: Path, size: int) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    data = os.urandom(size)
    lines = "é\r\n\x1b[2J\u202e" * (size // 8 + 1)
    texts = {
        "image/png": base64.encodebytes(data).decode(),
        "image/gif": base64.b64encode(data).decode()[:-4] + "!!!!",
        "image/jpeg": "QQ==" + base64.b64encode(data).decode(),
        "text/html": lines,
        "application/json": [lines],
        "text/x-odd": "\r\n" * size + "\r",
    }
    png, gif, jpeg, html, json_part, odd = blobs.make_parts(texts)
    assert (_content(blobs, png), png.size) == (data, size)
    assert gif.text == texts["image/gif"] and jpeg.text == texts["image/jpeg"]
    assert _content(blobs, html).decode() == "é\n[2J" * (size // 8 + 1)
    assert json.loads(_content(blobs, json_part)) == [lines]
    assert _content(blobs, odd) == b"\n" * (size + 1)
    assert blobs.make_parts({part.mime: part for part in (png, html)}) == (png, html)
    assert not list(blobs.folder.glob("*.part"))


def _content(blobs: BlobStore, part: MimePart) -> bytes:
    return blobs.read(part.blob) if part.blob else content_of(part.mime, part.text or "")


@pytest.mark.parametrize(
    ("value", "large"),
    [
        ("x" * LARGE, True),
        ("x" * (LARGE - 1), False),
        ([[1] * 1000] * 1000, True),
        ({str(n): {"x": n} for n in range(100)}, False),
        (["line\n"] * LARGE, True),
    ],
)
def test_large_displays_are_told_by_their_text_and_their_entries(
    value: object, large: bool
) -> None:
    assert is_large({"application/json": value}) is large


def test_strange_values_make_parts_as_well(blobs: BlobStore) -> None:
    parts = blobs.make_parts(
        {"application/json": "half \ud800", "text/plain": "half \ud800", "text/latex": 7}
    )
    for part in parts:
        assert part.text is not None
        part.text.encode()


def test_what_cannot_be_stored_stays_inline(blobs: BlobStore) -> None:
    for file in blobs.folder.iterdir():
        file.unlink()
    blobs.folder.rmdir()
    text = "x" * (INLINE + 1)
    (part,) = blobs.make_parts({"text/plain": text})
    assert (part.text, part.blob) == (text, None)
    with pytest.raises(StorageError):
        blobs.put(b"x")


# -- history -----------------------------------------------------------------------


@pytest.fixture
def history(tmp_path: Path) -> Iterator[HistoryStore]:
    store = HistoryStore(tmp_path / "state" / "history.db")
    yield store
    store.close()


def entry(number: int, code: str, session: str = "s") -> HistoryEntry:
    return HistoryEntry(session, f"e{number}", float(number), code)


def test_history_is_newest_first_and_the_same_in_a_row_stands_once(history: HistoryStore) -> None:
    for number, code in enumerate(["import A", "x = 1", "x = 1", "print(x)", "x = 1", "  \n"]):
        history.add(entry(number, code))
    history.add(entry(9, "y" * (MAX_CODE + 1)))
    assert [e.code for e in history.search()] == ["x = 1", "print(x)", "x = 1", "import A"]
    assert [e.execution_id for e in history.search("X =")] == ["e4"]
    assert [e.code for e in history.search(limit=2)] == ["x = 1", "print(x)"]
    assert history.search("100%_") == ()
    history.add(entry(20, "other", "t"))
    assert [e.code for e in history.search(session_id="t")] == ["other"]
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


def test_an_execution_added_again_brings_its_status(history: HistoryStore) -> None:
    history.add(entry(1, "x"))
    history.add(HistoryEntry("s", "e1", 1.0, "x", "ok"))
    assert [(e.code, e.status) for e in history.search()] == [("x", "ok")]


WRITER = """
import sys
from pathlib import Path
from codeexec.domain.requests import HistoryEntry
from codeexec.session.storage.history import HistoryStore

store = HistoryStore(Path(sys.argv[1]))
# Longer than a machine stands still: what cannot be added in a second is left out.
store._db.execute("PRAGMA busy_timeout = 60000")
session = sys.argv[2]
for number in range(200):
    store.add(HistoryEntry(session, f"e{number}", float(number), f"{session} {number}"))
store.close()
"""


def test_history_does_not_grow_without_end(
    history: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "KEPT_BYTES", 2**20)
    monkeypatch.setattr(history_module, "PRUNE_EVERY", 10)
    for number in range(100):
        history.add(entry(number, f"{number} " + "#" * 90_000))
    found = history.search(limit=1000)
    assert found[0].code.startswith("99 ")
    assert 5 <= len(found) <= 22
    monkeypatch.setattr(history_module, "KEPT", 3)
    for number in range(100, 110):
        history.add(entry(number, f"{number} "))
    assert [each.code for each in history.search()] == ["109 ", "108 ", "107 "]


def test_several_servers_may_write_at_once(history: HistoryStore) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(history.path), name]) for name in "abc"
    ]
    for writer in writers:
        assert writer.wait(60) == 0
    assert len(history.search(limit=10_000)) == 600


def test_a_damaged_history_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"this is not a database, though it is long enough" * 100)
    store = HistoryStore(path)
    store.add(entry(1, "x"))
    assert len(store.search()) == 1
    store.close()
    assert path.with_name("history.db.damaged").exists()


def test_a_history_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        HistoryStore(tmp_path / "file" / "history.db")
    assert caught.value.next_step


# -- retention ---------------------------------------------------------------------

DAY = 86_400.0
NOW = 1000 * DAY


def ended(root: Path, name: str, days: float, size: int = 10) -> Path:
    folder = root / name
    (folder / "blobs").mkdir(parents=True)
    for path in (folder / "journal.db", folder / "blobs" / "x"):
        path.write_bytes(b"x" * (size // 2))
        os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    return folder


def names(root: Path) -> set[str]:
    return {path.name for path in root.iterdir()}


def test_old_sessions_go(tmp_path: Path) -> None:
    for days in (1, 29, 31, 400):
        ended(tmp_path, f"d{days}", days)
    gone = prune(tmp_path, days=30, sessions=0, size=0, now=NOW)
    assert gone == ["d400", "d31"]
    assert names(tmp_path) == {"d1", "d29"}


def test_the_oldest_go_when_there_are_too_many_or_they_are_too_large(tmp_path: Path) -> None:
    for days in range(5):
        ended(tmp_path, f"d{days}", days, 100)
    assert prune(tmp_path, days=0, sessions=4, size=0, now=NOW) == ["d4"]
    assert prune(tmp_path, days=0, sessions=0, size=250, now=NOW) == ["d3", "d2"]
    assert prune(tmp_path, days=30, sessions=10, size=10**6, now=NOW) == []
    assert names(tmp_path) == {"d0", "d1"}


def test_open_sessions_are_never_touched(tmp_path: Path) -> None:
    left_open = ended(tmp_path, "left-open", 500)
    (left_open / "open").touch()
    held = ended(tmp_path, "held", 500)
    with (held / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert prune(tmp_path, days=1, sessions=1, size=1, now=NOW) == []
        assert names(tmp_path) == {"left-open", "held"}
    os.utime(held / "lock", (0, 0))
    assert prune(tmp_path, days=1, sessions=1, size=1, now=NOW) == ["held"]


def test_no_folder_is_no_session(tmp_path: Path) -> None:
    assert prune(tmp_path / "nothing", days=1, sessions=1, size=1, now=NOW) == []


# -- a clock that was set ------------------------------------------------------------


class Machine:
    """Where the clock is set and the machine is started again; `guard` is a server's."""

    def __init__(self, state: Path) -> None:
        self.state, self.wall, self.up, self.boots = state, NOW, 1000.0, 1

    def passes(self, days: float) -> Machine:
        self.wall += days * DAY
        self.up += days * DAY
        return self

    def sets_clock(self, days: float) -> Machine:
        self.wall += days * DAY
        return self

    def restarts(self, days_off: float = 0.0) -> Machine:
        self.wall += days_off * DAY
        self.up, self.boots = 10.0, self.boots + 1
        return self

    def is_trusted(self, newest: float | None = None) -> bool:
        guard = ClockGuard(self.state, lambda: self.up, lambda: f"boot-{self.boots}")
        return guard.check(self.wall, newest)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_clock_that_advances_as_the_machine_does_is_trusted(machine: Machine) -> None:
    assert machine.is_trusted()
    assert machine.passes(40).is_trusted(), "no server ran for 40 days, the machine did"
    assert machine.sets_clock(0.9).is_trusted()
    assert machine.restarts(days_off=0.5).is_trusted()


@pytest.mark.parametrize("days", [400.0, 1.5, -2.5, -400.0])
@pytest.mark.parametrize("reboots", [False, True])
def test_a_clock_that_was_set_is_trusted_after_a_day(
    machine: Machine, days: float, reboots: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert machine.is_trusted()
    machine.sets_clock(days)
    if reboots:
        machine.restarts()
    assert not machine.is_trusted()
    assert f"{days:+.1f} days" in caplog.text
    assert not machine.passes(0.6).is_trusted()
    assert len(caplog.records) == 1, "it is said once"
    assert machine.passes(0.5).is_trusted()
    assert machine.passes(40).is_trusted()


def test_a_clock_that_was_set_back_to_what_it_was_is_trusted_at_once(machine: Machine) -> None:
    assert machine.is_trusted()
    assert not machine.sets_clock(400).is_trusted()
    assert not machine.passes(0.5).is_trusted()
    assert machine.sets_clock(-400).is_trusted()


def test_each_time_the_clock_is_set_the_day_begins_anew(machine: Machine) -> None:
    assert machine.is_trusted()
    assert not machine.sets_clock(400).is_trusted()
    assert not machine.passes(0.9).is_trusted()
    assert not machine.sets_clock(2).is_trusted()
    assert not machine.passes(0.9).is_trusted()
    assert machine.passes(0.2).is_trusted()


def test_a_machine_that_runs_now_and_then_comes_to_its_day(machine: Machine) -> None:
    assert machine.is_trusted()
    for _ in range(3):
        assert not machine.restarts(days_off=7).is_trusted()
        assert not machine.passes(0.32).is_trusted()
    machine.restarts(days_off=7).is_trusted()
    assert machine.passes(0.32).is_trusted()


def test_without_a_memory_of_the_clock_the_newest_session_tells(machine: Machine) -> None:
    assert not machine.is_trusted(newest=NOW - 400 * DAY)
    (machine.state / "clock.json").write_text("damaged")
    assert machine.is_trusted(newest=NOW - 3600)


class ClockAhead(SystemClock):
    def now(self) -> float:
        return super().now() + 400 * DAY


async def test_a_server_whose_clock_is_far_ahead_deletes_no_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with EmbeddedHost(tmp_path) as host:
        opened = await host.call(OpenSession(cwd=str(tmp_path), start_kernel=False))
    ahead = Host(tmp_path, Kernels(), ClockAhead(), HostSettings(keep_days=30, keep_sessions=1))
    await ahead.start()
    async with asyncio.timeout(90):
        while "+400.0 days" not in caplog.text:  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.01)
    await ahead.close(leave_kernels=False)
    assert (tmp_path / "sessions" / opened.session_id / "journal.db").exists()
