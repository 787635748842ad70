"""Kernels that do not come up, and a clock that goes back: the session says so and goes on."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import Execute, RestartKernel, ShutDownKernel, StopSession
from codeexec.kernels.factory import Kernels
from codeexec.session.host import Host
from support.invariants import check_journal, read_journal
from support.kernel_cases import no_orphans
from support.sessions import finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.slow


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernelspecs `mute`, that never answers, and `brief`, that exits with words."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    _spec(tmp_path, "mute", "import time; time.sleep(600)")
    _spec(tmp_path, "brief", "import sys; sys.exit('I was never meant to run')")


def _spec(tmp_path: Path, name: str, code: str) -> None:
    folder = tmp_path / "jupyter" / "kernels" / name
    folder.mkdir(parents=True)
    argv = [sys.executable, "-c", code, "{connection_file}"]
    said = {"argv": argv, "display_name": name, "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(said))


async def test_a_kernel_that_exits_at_its_start(kernels: None, tmp_path: Path) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state") as host:
            session = await open_session(host, tmp_path, kernel="brief")
            view = await run(session, "1")
            assert view.status == "cancelled"
            assert "I was never meant to run" in view.reason
            death = session.snapshot.kernel.death
            assert death is not None and "exited with code 1" in death.message
            # Asked again it is tried again; as another kernel it works.
            assert (await run(session, "1")).status == "cancelled"
            await session.call(RestartKernel(sys.executable))
            assert (await run(session, "1")).status == "ok"
            check_journal(session.folder, snapshot=session.snapshot)


async def test_a_kernel_that_never_answers_is_given_up(kernels: None, tmp_path: Path) -> None:
    with no_orphans():
        host = Host(tmp_path / "state", Kernels(start_timeout=0.5))
        await host.start()
        session = await open_session(host, tmp_path, kernel="mute", start_kernel=False)
        view = await run(session, "1")
        assert view.status == "cancelled"
        assert "did not answer" in view.reason
        assert "codeexec-tui kernels" in view.reason
        await host.close(leave_kernels=False)
        check_journal(session.folder)


@pytest.mark.parametrize("way", ["restart", "shut down", "stop", "host"])
async def test_nobody_waits_for_a_kernel_that_never_answers(
    kernels: None, tmp_path: Path, way: str
) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state") as host, asyncio.timeout(90):
            session = await open_session(host, tmp_path, kernel="mute")
            waiting = await submit(session, "1")
            await until(session, lambda s: s.kernel.state == "starting")
            if way == "restart":
                await session.call(RestartKernel(sys.executable))
                assert (await run(session, "2")).status == "ok"
            elif way == "shut down":
                await session.call(ShutDownKernel())
                assert session.snapshot.kernel.state == "stopped"
            elif way == "stop":
                await host.call(StopSession(session.session_id))
            if way != "host":
                assert (await finished(session, waiting)).status == "cancelled"
        assert check_journal(session.folder).executions[waiting].status == "cancelled"


class BackwardClock:
    """A second earlier each time it is asked; durations go on as ever."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0

    def now(self) -> float:
        self._now -= 1.0
        return self._now

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


async def test_a_clock_that_goes_back_changes_no_order_and_no_limit(tmp_path: Path) -> None:
    with no_orphans():
        host = Host(tmp_path / "state", Kernels(), BackwardClock())
        await host.start()
        session = await open_session(host, tmp_path)
        for n in range(3):
            assert await text(session, await run(session, f"print({n})")) == [str(n)]
        endless = "while True: pass"
        assert (await run(session, endless, timeout=0.3)).status == "timed_out"
        times = [record.at for record in read_journal(session.folder)]
        assert times == sorted(times, reverse=True)
        timed = (
            await session.call(Execute(endless, options=ExecuteOptions(timeout=2.0)))
        ).execution_id
        await until(session, lambda s: s.executions[timed].count)
        await host.close(leave_kernels=True)
        # Seen from the next host the run began in the future; its limit holds all the same.
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            assert (await finished(session, timed)).status == "timed_out"
            check_journal(session.folder)
