"""The files of a server are removed or replaced while it runs: it is noticed, said, and ends."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from codeexec.client.socket import SocketHost
from codeexec.config.paths import accepts
from codeexec.domain import requests as q
from codeexec.domain.errors import StorageError
from codeexec.domain.events import NoticeGiven, Recorded, SessionClosed
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from codeexec.session.presence import Presence
from support.servers import Apart, user, wait_until
from support.sessions import finished, open_host, open_session, submit, until

ENDLESS = "import time\nprint('on', flush=True)\nwhile True: time.sleep(0.01)"


class Listener:
    """All events of one session, as a client hears them until they end."""

    def __init__(self, host: SocketHost, session_id: str) -> None:
        self.heard: list[Recorded] = []
        self.task = asyncio.create_task(self._listen(host, session_id))

    async def _listen(self, host: SocketHost, session_id: str) -> None:
        async for batch in host.session(session_id).events(0, "full"):
            self.heard += batch

    @property
    def snapshot(self) -> Snapshot:
        return apply(Snapshot(), self.heard)

    def check_end(self, execution_id: str) -> None:
        """The client was told what happened, and how the execution ended."""
        notices = [r.event for r in self.heard if isinstance(r.event, NoticeGiven)]
        assert notices[-1].level == "error"
        assert "removed or replaced" in notices[-1].message
        assert notices[-1].next_step
        assert self.snapshot.executions[execution_id].status == "lost"
        assert isinstance(self.heard[-1].event, SessionClosed)


async def start_endless(apart: Apart, host: SocketHost, name: str) -> tuple[str, Listener]:
    opened = await host.call(q.OpenSession(cwd=str(apart.work), name=name))
    listener = Listener(host, opened.session_id)
    session = host.session(opened.session_id)
    await session.call(q.Execute(ENDLESS, execution_id=f"exec-{name}"))
    await wait_until(
        lambda: (view := listener.snapshot.running) is not None and view.total > 0, "output"
    )
    return opened.session_id, listener


def remove(state: Path) -> None:
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(state, ignore_errors=True)  # the server may have written while we removed


def replace(state: Path) -> None:
    state.rename(state.with_name("old"))
    shutil.copytree(state.with_name("old"), state, ignore=lambda *_: ["lock"])


@pytest.mark.slow
@pytest.mark.parametrize("act", [remove, replace])
async def test_the_state_folder_goes(act: Callable[[Path], None]) -> None:
    with user() as apart:
        async with apart.client() as host:
            _, listener = await start_endless(apart, host, "one")
            first = apart.pid
            processes = {process.pid for process in apart.processes()}
            act(apart.paths.state)
            await wait_until(
                lambda: not processes & {p.pid for p in apart.processes()},
                "the server and its kernel to end",
            )
            await wait_until(
                lambda: isinstance(listener.heard[-1].event, SessionClosed), "the end of the events"
            )
            listener.check_end("exec-one")
            listener.task.cancel()
        async with apart.client() as host:
            _, listener = await start_endless(apart, host, "two")
            assert apart.pid not in (first, None)
            listener.task.cancel()
            await host.call(q.StopHost(sessions=True))


def replace_journal(folder: Path) -> None:
    shutil.copy(folder / "journal.db", folder / "copy")
    (folder / "copy").replace(folder / "journal.db")


def remove_write_ahead_log(folder: Path) -> None:
    (folder / "journal.db-wal").unlink()


@pytest.mark.slow
async def test_the_files_of_one_session_go_and_the_others_go_on() -> None:
    with user() as apart:
        async with apart.client() as host:
            _, other = await start_endless(apart, host, "other")
            for act in (remove, replace_journal, remove_write_ahead_log):
                name = act.__name__
                session_id, listener = await start_endless(apart, host, name)
                act(apart.paths.state / "sessions" / session_id)
                await asyncio.wait_for(listener.task, 90)
                listener.check_end(f"exec-{name}")
            assert other.snapshot.running is not None
            sessions = (await host.call(q.ListSessions())).sessions
            assert [each.name for each in sessions] == ["other"]
            other.task.cancel()
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")


@pytest.mark.slow
async def test_the_lock_alone_goes_and_the_next_server_adopts_the_kernels() -> None:
    with user() as apart:
        async with apart.client() as host:
            session_id, listener = await start_endless(apart, host, "one")
            kernel, first = listener.snapshot.kernel.pid, apart.pid
            apart.paths.lock.unlink()
            await wait_until(
                lambda: first not in {p.pid for p in apart.processes()}, "the server to end"
            )
            listener.task.cancel()
        async with apart.client() as host:
            listener = Listener(host, session_id)
            await wait_until(lambda: len(listener.heard) > 0, "the session")
            await host.session(session_id).call(q.Interrupt())
            assert listener.snapshot.kernel.pid == kernel
            listener.task.cancel()
            await host.call(q.StopHost(sessions=True))


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True])
async def test_the_folder_of_the_socket_goes_and_the_server_puts_it_back(whole: bool) -> None:
    with user() as apart:
        async with apart.client() as host:
            await host.call(q.ListSessions())
        first, folder = apart.pid, apart.paths.socket.parent
        path = str(apart.paths.socket)
        shutil.rmtree(folder.parent if whole else folder)
        await wait_until(lambda: accepts(path), "the socket")
        async with apart.client() as host:
            assert (await host.call(q.GetHostInfo())).pid == first
            await host.call(q.StopHost(sessions=True))


async def test_an_execution_does_not_end_ok_in_files_that_are_gone(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        asking = await submit(session, "input()")
        asked = (await until(session, lambda s: s.executions[asking].stdin)).executions[asking]
        assert asked.stdin is not None
        shutil.rmtree(session.folder)
        await session.call(q.AnswerStdin(asked.stdin.request_id, "on"))
        assert (await finished(session, asking)).status == "lost"
        with pytest.raises(StorageError, match="removed or replaced"):
            await session.call(q.Execute("1"))
        await host.end_lost_sessions()
        assert host.sessions == ()
        assert not session.folder.exists(), "nothing was written at the path again"


def test_a_file_is_lost_once_it_was_there(tmp_path: Path) -> None:
    first, later = tmp_path / "first", tmp_path / "later"
    first.write_text("")
    presence = Presence(first, later)
    assert presence.lost() is None
    later.write_text("")
    assert presence.lost() is None
    later.rename(tmp_path / "moved")
    assert presence.lost() == later
    later.write_text("")
    assert presence.lost() == later, "another file is at its path"
    (tmp_path / "moved").replace(later)
    assert presence.lost() is None
    first.unlink()
    assert presence.lost() == first
