"""A disk that is full or read-only: said in words, nothing that was heard is lost, and when there
is room again the session goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeexec.domain.errors import StorageError
from codeexec.domain.outputs import iter_rows
from codeexec.domain.requests import (
    OpenSession,
    ReadRows,
    RenameSession,
    RestartKernel,
    StopSession,
)
from codeexec.domain.wire.checks import MAX_NAME
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.disks import Disk, small_disk
from support.invariants import check_journal
from support.kernel_cases import no_orphans
from support.servers import wait_until
from support.sessions import finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.slow

PRINTING = "import time\ni = 0\nwhile True:\n    print('line', i, 'x' * 200)\n    i += 1"
ENDLESS = "import time\nprint('on', flush=True)\nwhile True:\n    time.sleep(0.01)"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with no_orphans(), small_disk(tmp_path, 64) as disk:
        yield disk


async def noticed(session: Session) -> None:
    """Writing works again, and the session has said so."""
    await until(session, lambda s: any("journal" in notice.title for notice in s.notices))


def is_in_trouble(session: Session) -> bool:
    return session.recorder.problem is not None


@pytest.mark.slow
async def test_a_flood_that_fills_the_disk_is_interrupted_and_whole(
    disk: Disk, tmp_path: Path
) -> None:
    async with open_host(disk.path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 42")
        (disk.path / "ballast").write_bytes(b"x" * 56 * 2**20)
        flood = await submit(session, PRINTING)
        behind = await submit(session, "print('behind')", stop_on_error=False)
        await wait_until(lambda: is_in_trouble(session), "the disk to be full")
        with pytest.raises(StorageError) as caught:
            await submit(session, "1")
        assert "full" in caught.value.message
        assert caught.value.next_step
        # It is interrupted though that cannot be written down: the kernel falls idle.
        await wait_until(
            lambda: session.slots.default.queue.running is None, "the end of the flood"
        )
        assert session.snapshot.executions[flood].is_open
        disk.free()
        await noticed(session)
        view = await finished(session, flood)
        assert view.status == "cancelled"
        assert (await finished(session, behind)).status == "cancelled"
        texts: list[str] = []
        while len(texts) < view.total:
            page = await session.call(ReadRows(flood, len(texts), 5000))
            texts += [row.text for row in iter_rows(page.runs)]
        # A line that the interrupt cut off is no line.
        lines = [int(text.split()[1]) for text in texts if re.match(r"line \d+ x+$", text)]
        assert len(lines) > 1000
        assert lines == list(range(len(lines)))
        assert await text(session, await run(session, "print(x)")) == ["42"]
        check_journal(session.folder, snapshot=session.snapshot)


async def test_what_cannot_be_written_down_is_not_run(disk: Disk, tmp_path: Path) -> None:
    async with open_host(disk.path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "n = 0")
        disk.fill()
        for _ in range(3):
            with pytest.raises(StorageError):
                await submit(session, "n += 1 #" + "x" * 2**16, execution_id="exec-mine")
        disk.free()
        await submit(session, "n += 1", execution_id="exec-mine")
        assert (await finished(session, "exec-mine")).status == "ok"
        assert await text(session, await run(session, "print(n)")) == ["1"]
        check_journal(session.folder, snapshot=session.snapshot)


async def test_a_fact_that_is_of_no_run_is_written_later_too(disk: Disk, tmp_path: Path) -> None:
    async with open_host(disk.path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "1")
        disk.fill()
        while not is_in_trouble(session):
            await session.call(RenameSession("y" * MAX_NAME))
        assert session.snapshot.name
        await session.call(RenameSession("mine"))
        disk.free()
        await noticed(session)
        assert session.snapshot.name == "mine"
        assert (await run(session, "1")).status == "ok"


@pytest.mark.slow
async def test_time_runs_out_while_nothing_can_be_written(disk: Disk, tmp_path: Path) -> None:
    settings = HostSettings(ladder_grace=(0.2, 0.2, 1.0))
    deaf = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + ENDLESS
    async with open_host(disk.path / "state", settings) as host:
        session = await open_session(host, tmp_path)
        await run(session, "1")
        timed = await submit(session, deaf, timeout=1.0)
        await until(session, lambda s: s.executions[timed].total)
        disk.fill()
        while not is_in_trouble(session):
            await session.call(RenameSession("w" * MAX_NAME))
        await wait_until(lambda: session.slots.default.queue.running is None, "the end of its time")
        disk.free()
        await noticed(session)
        assert (await finished(session, timed)).status == "timed_out"
        assert (await run(session, "1")).status == "ok"
        check_journal(session.folder, snapshot=session.snapshot)


async def test_a_kernel_is_restarted_and_ended_though_the_disk_is_full(
    disk: Disk, tmp_path: Path
) -> None:
    async with open_host(disk.path / "state") as host:
        session = await open_session(host, tmp_path)
        endless = await submit(session, ENDLESS)
        await until(session, lambda s: s.executions[endless].total)
        disk.fill()
        while not is_in_trouble(session):
            await session.call(RenameSession("z" * MAX_NAME))
        await session.call(RestartKernel())
        with no_orphans(), pytest.raises(StorageError) as caught:
            await host.call(StopSession(session.session_id))
        assert caught.value.next_step
        assert session.slots.default.supervisor.kernel is None
        disk.free()
        await noticed(session)
        assert (await finished(session, endless)).status == "cancelled"
        assert (await run(session, "1")).status == "ok"
        await host.call(StopSession(session.session_id))
        assert check_journal(session.folder).closed


async def test_no_session_is_opened_on_a_full_disk(disk: Disk, tmp_path: Path) -> None:
    async with open_host(disk.path / "state") as host:
        disk.fill()
        with pytest.raises(StorageError) as caught:
            await host.call(OpenSession(cwd=str(tmp_path)))
        assert caught.value.next_step
        assert list((disk.path / "state" / "sessions").iterdir()) == []
        assert host.sessions == ()
        disk.free()
        assert (await run(await open_session(host, tmp_path), "1")).status == "ok"


async def test_a_session_is_taken_up_when_there_is_room_again(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_host(disk.path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 42")
    monkeypatch.setattr("codeexec.session.host.HOUSEKEEPING", 0.1)
    disk.fill()
    async with open_host(disk.path / "state") as host:
        assert not list(host.sessions)
        disk.free()
        await wait_until(lambda: host.sessions, "the session to be taken up")
        (session,) = host.sessions
        assert await text(session, await run(session, "print(x)")) == ["42"]
        check_journal(session.folder, snapshot=session.snapshot)


async def test_a_read_only_state_folder_is_told_at_the_start(disk: Disk, tmp_path: Path) -> None:
    disk.remount("ro")
    with pytest.raises(StorageError) as caught:
        async with open_host(disk.path / "state"):
            raise AssertionError("it cannot be opened")
    assert "XDG_STATE_HOME" in caught.value.next_step


async def test_a_file_in_place_of_the_state_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError) as caught:
        async with open_host(tmp_path / "state"):
            raise AssertionError("it cannot be opened")
    assert "XDG_STATE_HOME" in caught.value.next_step
