"""The user's own server: found, begun, begun again, and explained when it will not come."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from codeexec.client import spawn
from codeexec.client.socket import SocketHost
from codeexec.client.waiting import Patience
from codeexec.config.paths import find_paths, make_private
from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError, Denied, ServerUnavailable, StorageError
from support.servers import user, wait_for, wait_until


def test_paths_keep_users_and_state_folders_apart(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    default = find_paths(home)
    assert default.state == tmp_path / ".local/state/codeexec-tui"
    assert default.socket.parent in (default.state, Path(f"/tmp/codeexec-tui-{os.getuid()}"))
    runtime = tmp_path / "run"
    runtime.mkdir()
    ours = find_paths({**home, "XDG_RUNTIME_DIR": str(runtime)})
    other = find_paths({**home, "XDG_RUNTIME_DIR": str(runtime), "XDG_STATE_HOME": "/elsewhere"})
    assert ours.socket.name != other.socket.name
    assert find_paths({**home, "XDG_STATE_HOME": "relative"}).state == default.state


def test_a_socket_path_is_never_longer_than_the_system_takes(tmp_path: Path) -> None:
    runtime = tmp_path / ("long" * 30)
    runtime.mkdir()
    paths = find_paths({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime)})
    assert len(os.fsencode(paths.socket)) <= 107


def test_a_folder_is_made_private_and_another_users_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "a/b"
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        make_private(tmp_path / "file" / "below")
    if os.getuid() == 0:
        os.chown(folder, 12345, -1)
        with pytest.raises(Denied):
            make_private(folder)


async def test_a_face_begins_the_server_and_it_outlives_the_face() -> None:
    with user() as apart:
        starting = spawn.begin(apart.paths, environ=apart.environ)
        assert starting.process is not None
        async with SocketHost(starting=starting) as host:
            info = await host.call(q.GetHostInfo())
        assert info.pid == starting.process.pid
        assert os.getsid(info.pid) == info.pid
        assert spawn.find(apart.paths) == info.socket == str(apart.paths.socket)
        assert spawn.begin(apart.paths, environ=apart.environ).process is None
        modes = {p.name: p.stat().st_mode & 0o777 for p in apart.paths.state.iterdir()}
        assert all(mode & 0o077 == 0 for mode in modes.values()), modes
        assert apart.paths.socket.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
async def test_many_faces_at_once_come_to_one_server() -> None:
    with user() as apart:
        begun = [spawn.start(apart.paths, environ=apart.environ) for _ in range(5)]
        hosts = [SocketHost(starting=each) for each in begun]
        try:
            infos = await asyncio.gather(*(host.call(q.GetHostInfo()) for host in hosts))
            assert len({info.pid for info in infos}) == 1
            winner = infos[0].pid
            losers = [b.process for b in begun if b.process and b.process.pid != winner]
            await wait_until(
                lambda: all(p.poll() is not None for p in losers), "the losers to leave"
            )
            assert [p.returncode for p in losers] == [0] * 4
        finally:
            await asyncio.gather(*(host.close() for host in hosts))


@pytest.mark.slow
async def test_a_server_that_was_killed_is_started_again() -> None:
    with user() as apart:
        async with apart.client() as host:
            first = (await host.call(q.GetHostInfo())).pid
            os.kill(first, signal.SIGKILL)
            second = (await host.call(q.GetHostInfo())).pid
            assert second != first


@pytest.mark.slow
async def test_a_server_that_takes_long_to_load_is_waited_for() -> None:
    with user() as apart:
        starting = spawn.start(apart.paths, environ=apart.environ)
        assert starting.process is not None
        os.kill(starting.process.pid, signal.SIGSTOP)  # as a slow disk does
        host = SocketHost(starting=starting, patience=Patience(connect=0.05, call=0.05))
        try:
            call = asyncio.ensure_future(host.call(q.GetHostInfo()))
            ended, _ = await asyncio.wait({call}, timeout=0.5)
            assert not ended
            os.kill(starting.process.pid, signal.SIGCONT)
            assert (await call).pid == starting.process.pid
            assert not starting.is_loading()
        finally:
            os.kill(starting.process.pid, signal.SIGCONT)
            await host.close()


async def test_a_server_that_was_told_to_stop_stays_stopped() -> None:
    with user() as apart:
        async with apart.client() as host, apart.client("other") as other:
            await host.call(q.GetHostInfo())
            await other.call(q.GetHostInfo())
            await host.call(q.StopHost())
            await wait_until(lambda: other.link.state == "closed", "the other to hear of it")
            with pytest.raises(ServerUnavailable, match="stopped"):
                await other.call(q.GetHostInfo())
        wait_for(lambda: not apart.processes(), "the server to end")
        assert not apart.paths.socket.exists()
        assert apart.pid is None


async def test_a_server_that_cannot_start_says_why() -> None:
    with user() as apart:
        apart.paths.state.parent.mkdir()
        make_private(apart.paths.state)
        apart.paths.lock.mkdir()  # opening it as a file fails
        async with apart.client() as host:
            with pytest.raises(ServerUnavailable) as caught:
                await host.call(q.GetHostInfo())
        assert "server.lock" in caught.value.message
        assert str(apart.paths.log) in caught.value.next_step


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(CodeexecError) as caught:
        spawn.begin(find_paths({"HOME": "/", "XDG_STATE_HOME": str(tmp_path / "state")}))
    assert caught.value.next_step


@pytest.mark.slow
async def test_a_stale_socket_is_replaced() -> None:
    with user() as apart:
        async with apart.client() as host:
            pid = (await host.call(q.GetHostInfo())).pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: spawn.find(apart.paths) is None, "the server to be gone")
        assert apart.paths.socket.exists()
        async with apart.client() as host:
            assert (await host.call(q.GetHostInfo())).pid != pid


async def test_a_socket_that_was_removed_is_put_back_by_the_same_server() -> None:
    with user() as apart:
        async with apart.client() as host:
            pid = (await host.call(q.GetHostInfo())).pid
            apart.paths.socket.unlink()
            async with apart.client("later") as later:
                assert (await later.call(q.GetHostInfo())).pid == pid
            assert (await host.call(q.GetHostInfo())).pid == pid


async def test_a_server_of_another_runtime_folder_is_found() -> None:
    with user() as apart:
        async with apart.client() as host:
            pid = (await host.call(q.GetHostInfo())).pid
            (apart.folder / "other").mkdir(mode=0o700)
            environ = {**apart.environ, "XDG_RUNTIME_DIR": str(apart.folder / "other")}
            starting = spawn.begin(find_paths(environ), environ=environ)
            assert starting.process is None
            async with SocketHost(starting=starting) as other:
                assert (await other.call(q.GetHostInfo())).pid == pid
