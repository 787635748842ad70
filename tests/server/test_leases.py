"""Sessions that end with the connection of the program that opened them."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.server import leases
from codeexec.server.leases import LEASE_GRACE, Leases
from support.servers import Apart, Here, output_of, serve_here, short_folder, user, wait_until


def client_of(here: Here, lease: str) -> SocketHost:
    return SocketHost(here.address, q.ClientInfo("test", lease=lease))


def leased(cwd: Path, lease: str, name: str = "work") -> q.OpenSession:
    return q.OpenSession(cwd=str(cwd), name=name, lease=lease, temporary=True, start_kernel=False)


def test_a_lease_is_over_when_no_connection_has_held_it_for_the_grace() -> None:
    held = Leases()
    held.hold("env-1")
    held.hold("env-1")
    held.release("env-1")
    assert not held.is_over("env-1", 1000.0)
    held.release("env-1")
    assert not held.is_over("env-1", 1000.0)
    assert not held.is_over("env-1", 1000.0 + LEASE_GRACE)
    assert held.is_over("env-1", 1000.1 + LEASE_GRACE)


def test_a_client_that_comes_back_in_time_keeps_its_lease() -> None:
    held = Leases()
    assert not held.is_over("env-1", 0.0)
    held.hold("env-1")
    assert not held.is_over("env-1", 100.0)
    held.release("env-1")
    assert not held.is_over("env-1", 100.0), "the grace begins anew"


async def test_a_session_with_another_lease_is_not_joined(tmp_path: Path) -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here, client_of(here, "env-1") as host:
            first = await host.call(leased(tmp_path, "env-1"))
            again = await host.call(leased(tmp_path, "env-1"))
            other = await host.call(leased(tmp_path, "env-2"))
            joined = await host.call(q.OpenSession(cwd=str(tmp_path), name="work"))
    assert again.session_id == first.session_id == joined.session_id
    assert other.session_id != first.session_id
    assert other.name == "work-2"


@pytest.mark.slow
async def test_a_temporary_session_leaves_no_file_when_it_is_stopped(tmp_path: Path) -> None:
    with short_folder() as folder:
        async with serve_here(folder) as here, client_of(here, "env-1") as host:
            opened = await host.call(leased(tmp_path, "env-1"))
            files = here.host.state / "sessions" / opened.session_id
            assert files.is_dir()
            await output_of(host, opened.session_id, "secret = 1")
            found = await host.session(opened.session_id).call(q.SearchHistory("secret"))
            assert found.entries == ()
            await host.call(q.StopSession(opened.session_id))
            assert not files.exists()
            listed = await host.call(q.ListSessions())
    assert listed.sessions == ()


async def test_sessions_end_with_the_connection_that_holds_their_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_GRACE", 0.0)
    with short_folder() as folder:
        async with serve_here(folder) as here, client_of(here, "") as other:
            kept = await other.call(q.OpenSession(cwd=str(tmp_path), name="kept"))
            async with client_of(here, "env-1") as host:
                gone = await host.call(leased(tmp_path, "env-1"))
                await here.service.end_leased_sessions()
                assert len(here.host.sessions) == 2
            await wait_until(lambda: here.service.client_count == 1, "the connection to end")

            async def left() -> list[str]:
                await here.service.end_leased_sessions()
                return [session.session_id for session in here.host.sessions]

            for _ in range(2):
                ids = await left()
            assert ids == [kept.session_id]
            assert not (here.host.state / "sessions" / gone.session_id).exists()


@pytest.mark.slow
async def test_a_session_survives_its_server_and_ends_with_its_client() -> None:
    with user() as apart:
        host = _leasing_client(apart)
        opened = await host.call(leased(apart.work, "env-1"))
        assert await output_of(host, opened.session_id, "x = 42; print(x)") == ["42"]
        before = apart.pid
        assert before is not None
        for process in apart.processes():
            if process.pid == before:
                process.kill()
        await wait_until(lambda: apart.pid not in (None, before), "a new server")
        assert await output_of(host, opened.session_id, "print(x)") == ["42"]
        await host.close()
        await wait_until(lambda: not apart.processes(), "the kernel and the server to end", 60)
        assert not list((apart.paths.state / "sessions").iterdir())


def _leasing_client(apart: Apart) -> SocketHost:
    from codeexec.client.spawn import begin

    starting = begin(apart.paths, environ=apart.environ, idle=1.0)
    return SocketHost(starting=starting, client=q.ClientInfo("test", lease="env-1"))
