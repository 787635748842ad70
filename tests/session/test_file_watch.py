"""Changes of files in the working folder are events of the session."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

import pytest

from codeexec.domain.errors import EnvironmentUnavailable
from codeexec.domain.events import FilesChanged, Recorded
from codeexec.domain.events.files import MOST_PATHS
from codeexec.domain.requests import OpenSession, StopSession
from codeexec.environments.base import Change, Environment, FileChange
from codeexec.session.files import watching
from codeexec.session.files.watching import FileWatch, PendingChanges
from codeexec.session.host import Host
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from codeexec.session.storage.journal_limit import JournalLimit
from support.containers import require_engine, until, workspace_in
from support.sessions import open_host


@pytest.fixture(autouse=True)
def quick_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "START_AFTER", 0.0)


async def opened(host: Host, folder: Path) -> Session:
    summary = await host.call(OpenSession(str(folder), start_kernel=False))
    return host.session(summary.session_id)


def told(session: Session) -> list[FilesChanged]:
    records: list[Recorded] = session.recorder.journal.read(0, 1000, "full")
    return [record.event for record in records if isinstance(record.event, FilesChanged)]


async def wait_for(session: Session, kind: str, path: str) -> FilesChanged:
    """The event that tells of a path."""

    async def is_told() -> bool:
        return any(path in getattr(event, kind) for event in told(session))

    await until(is_told)
    return next(event for event in told(session) if path in getattr(event, kind))


async def begun(session: Session) -> None:
    async def is_watched() -> bool:
        return session.snapshot.files_watched

    await until(is_watched)
    assert told(session)[0] == FilesChanged(others=True)


async def test_clients_hear_of_files_that_come_change_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / ".gitignore").write_text("*.log\n")
    async with open_host(tmp_path, settings=HostSettings(watch_files=True)) as host:
        session = await opened(host, folder)
        await begun(session)
        (folder / "noise.log").write_text("")
        (folder / "sub").mkdir()
        (folder / "sub" / "new.py").write_text("1")
        await wait_for(session, "added", "sub/new.py")
        (folder / "sub" / "new.py").write_text("2")
        await wait_for(session, "changed", "sub/new.py")
        (folder / "sub" / "new.py").unlink()
        await wait_for(session, "removed", "sub/new.py")
        paths = {p for event in told(session) for p in (*event.added, *event.changed)}
        assert paths == {"sub/", "sub/new.py"}
        await host.call(StopSession(session.session_id))


async def test_a_session_is_not_watched_where_the_settings_say_so(tmp_path: Path) -> None:
    async with open_host(tmp_path, settings=HostSettings(watch_files=False)) as host:
        session = await opened(host, tmp_path)
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "file watch"]
        assert not session.snapshot.files_watched


@pytest.mark.slow
async def test_what_the_session_itself_records_is_not_told(tmp_path: Path) -> None:
    async with open_host(tmp_path, settings=HostSettings(watch_files=True)) as host:
        session = await opened(host, tmp_path)
        await begun(session)
        for number in range(3):
            (tmp_path / f"file{number}").write_text("")
            await wait_for(session, "added", f"file{number}")
        paths = {path for event in told(session) for path in (*event.added, *event.changed)}
        assert not [path for path in paths if path.startswith("sessions")]
        assert len(told(session)) < 10


async def test_a_place_that_cannot_be_watched_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "TRY_EVERY", 0.0)
    folder = tmp_path / "work"
    folder.mkdir()
    is_away = True

    def environment() -> Environment:
        if is_away:
            raise EnvironmentUnavailable("The container is not started.")
        return session.environment

    async with open_host(tmp_path, settings=HostSettings(watch_files=False)) as host:
        session = await opened(host, folder)
        session.recorder.record(FilesChanged(others=True))
        session.file_watch = FileWatch(
            environment,
            session.recorder,
            session._tasks,
            JournalLimit(session.recorder.journal, 0),
            session.folder.parent,
        )
        session.file_watch.start()

        async def is_told_away() -> bool:
            return not session.snapshot.files_watched

        await until(is_told_away)
        is_away = False
        await begun(session)
        (folder / "x.py").write_text("")
        await wait_for(session, "added", "x.py")


@pytest.mark.docker
async def test_what_code_in_a_container_writes_is_told(tmp_path: Path) -> None:
    require_engine()
    folder = workspace_in(tmp_path)
    async with open_host(tmp_path / "state", settings=HostSettings(watch_files=True)) as host:
        request = OpenSession(str(folder), backend="docker", start_kernel=False)
        session = host.session((await host.call(request)).session_id)
        await begun(session)
        (folder / "x.py").write_text("")
        await wait_for(session, "added", "x.py")


class TestPending:
    def test_the_last_change_of_a_path_counts(self) -> None:
        pending = PendingChanges()
        pending.add(changes("+a", "~a", "~b", "-b", "-c", "+c", "+d", "-d"))
        assert pending.take() == FilesChanged(("a",), ("c",), ("b",))
        assert pending.take() is None

    def test_a_folder_that_is_gone_includes_what_was_in_it(self) -> None:
        pending = PendingChanges()
        pending.add(changes("+new/", "+new/a", "~old/a", "+old/b", "-new/", "-old/"))
        assert pending.take() == FilesChanged(removed=("old/",))
        pending.add(changes("-old/", "+old/", "+old/c"))
        assert pending.take() == FilesChanged(("old/c",), ("old/",), others=True)

    def test_an_event_is_bounded(self) -> None:
        pending = PendingChanges()
        pending.add(changes(*(f"+{number}" for number in range(MOST_PATHS + 1))))
        event = pending.take()
        assert event is not None
        assert (len(event.added), event.others) == (MOST_PATHS, True)
        pending.add(changes(*(f"+{'x' * 5000}{number}" for number in range(10))))
        event = pending.take()
        assert event is not None
        assert (len(event.added), event.others) == (3, True)

    def test_a_change_of_the_top_stands_for_others(self) -> None:
        pending = PendingChanges()
        pending.add(changes("~."))
        assert pending.take() == FilesChanged(others=True)

    def test_names_that_are_no_text_are_told_as_text(self) -> None:
        pending = PendingChanges()
        pending.add((FileChange(Change.CREATED, PurePosixPath("bad\udcff")),))
        assert pending.take() == FilesChanged(("bad?",))


def changes(*signs: str) -> tuple[FileChange, ...]:
    kinds = {"+": Change.CREATED, "~": Change.MODIFIED, "-": Change.REMOVED}
    return tuple(
        FileChange(kinds[sign[0]], PurePosixPath(sign[1:]), sign.endswith("/")) for sign in signs
    )
