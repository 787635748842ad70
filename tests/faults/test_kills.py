"""`kill -9` at any moment: no process is left that nobody can find, and no run stays open."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import codeexec
from codeexec.client.api import SessionClient
from codeexec.domain import requests as q
from codeexec.domain.fold import apply
from codeexec.domain.snapshot import Snapshot
from support.invariants import check_journal
from support.servers import Apart, user, wait_for, wait_until

pytestmark = pytest.mark.slow

ENDLESS = "import time\nprint('on', flush=True)\nwhile True:\n    time.sleep(0.01)"


async def until(session: SessionClient, holds: Callable[[Snapshot], object]) -> Snapshot:
    """Fold what the server says, also over its restarts, until it is as described."""
    snapshot = Snapshot()
    async with asyncio.timeout(90):
        async for batch in session.events(0, "tail"):
            snapshot = apply(snapshot, batch)
            if holds(snapshot):
                return snapshot
    raise AssertionError(f"never came: {snapshot}")


async def finished(session: SessionClient, execution_id: str) -> Snapshot:
    def ended(snapshot: Snapshot) -> bool:
        view = snapshot.executions.get(execution_id)
        return view is not None and not view.is_open

    return await until(session, ended)


def kill_server(apart: Apart) -> None:
    pid = apart.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def others(apart: Apart) -> list[psutil.Process]:
    """All but the server and its holder: kernels, and what they started."""
    return [process for process in apart.processes() if not is_engine(process)]


def hold_kernels(apart: Apart) -> Path:
    """A file: kernels of this user wait at their start for as long as it is there."""
    hold, site = apart.folder / "hold", apart.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import os, sys, time\n"
        "if any(word.endswith('guest/launch.py') for word in sys.orig_argv):\n"
        f"    while os.path.exists({str(hold)!r}): time.sleep(0.01)\n"
    )
    apart.environ["PYTHONPATH"] = str(site)
    return hold


def is_engine(process: psutil.Process) -> bool:
    """A server, or a holder, which is a fork of its server at first."""
    try:
        words = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return "codeexec.server" in words or "guest/holder.py" in words


def journal(apart: Apart, session_id: str) -> Path:
    return apart.paths.state / "sessions" / session_id


def test_a_server_killed_with_its_first_kernel_leaves_none() -> None:
    with user() as apart:
        # Half way: the kernel boots, and the server still imports the rest of itself.
        server = apart.start("--first-session", f'{{"cwd": "{apart.work}"}}')
        wait_for(lambda: others(apart), "the kernel's process")
        server.kill()
        server.communicate()
        wait_for(lambda: not apart.processes(), "the kernel to end")


async def test_a_server_killed_while_a_kernel_starts_leaves_none() -> None:
    with user() as apart:
        hold = hold_kernels(apart)
        hold.touch()
        async with apart.client() as host:
            await host.call(q.GetHostInfo())
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            await session.call(q.Execute("1", execution_id="waits"))
            await wait_until(lambda: others(apart), "the kernel's process")
            first = others(apart)
            kill_server(apart)
            snapshot = await finished(session, "waits")
            assert snapshot.executions["waits"].status == "lost"
            assert snapshot.executions["waits"].reason
            await wait_until(lambda: not any(p.is_running() for p in first), "its end")
            hold.unlink()
            await session.call(q.Execute("2", execution_id="next"))
            assert (await finished(session, "next")).executions["next"].status == "ok"
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")
        check_journal(journal(apart, opened.session_id))


async def test_a_server_killed_while_a_kernel_restarts_leaves_one_that_is_known() -> None:
    with user() as apart:
        hold = hold_kernels(apart)
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            await session.call(q.Execute("1", execution_id="first"))
            await finished(session, "first")
            hold.touch()
            restarting = asyncio.ensure_future(session.call(q.RestartKernel()))
            await until(session, lambda s: s.kernel.state == "starting" and s.kernel.generation > 1)
            kill_server(apart)
            await asyncio.gather(restarting, return_exceptions=True)
            await until(session, lambda s: s.kernel.state == "dead")
            hold.unlink()
            await session.call(q.Execute("2", execution_id="next"))
            snapshot = await finished(session, "next")
            assert snapshot.executions["next"].status == "ok"
            await wait_until(lambda: len(others(apart)) == 1, "the old kernels to end")
            assert [process.pid for process in others(apart)] == [snapshot.kernel.pid]
        check_journal(journal(apart, opened.session_id))


async def test_a_server_killed_with_a_queue_runs_it_when_it_is_back() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            code = "import time\nprint('on', flush=True)\ntime.sleep(1)"
            await session.call(q.Execute(code, execution_id="e0"))
            for n in (1, 2, 3):
                await session.call(q.Execute(f"print({n})", execution_id=f"e{n}"))
            await until(session, lambda s: "e0" in s.executions and s.executions["e0"].total)
            kill_server(apart)
            snapshot = await finished(session, "e3")
            assert [snapshot.executions[f"e{n}"].status for n in range(4)] == ["ok"] * 4
            assert snapshot.kernel.generation == 1
        check_journal(journal(apart, opened.session_id))


async def test_a_server_killed_while_input_is_awaited_takes_the_answer_later() -> None:
    with user() as apart:
        async with apart.client() as host:
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            await session.call(q.Execute("print('Hello', input('Who? '))", execution_id="asks"))

            def asks(snapshot: Snapshot) -> object:
                view = snapshot.executions.get("asks")
                return view and view.stdin

            await until(session, asks)
            kill_server(apart)
            before = apart.pid
            await wait_until(lambda: apart.pid not in (None, before), "the next server")
            snapshot = await until(session, asks)
            asked = snapshot.executions["asks"].stdin
            assert asked is not None
            await session.call(q.AnswerStdin(asked.request_id, "World"))
            view = (await finished(session, "asks")).executions["asks"]
            assert view.status == "ok"
            assert "Hello World" in "".join(run.text for run in view.tail)
        check_journal(journal(apart, opened.session_id))


async def test_a_kernel_killed_while_it_starts_is_told_and_replaced() -> None:
    with user() as apart:
        hold = hold_kernels(apart)
        hold.touch()
        async with apart.client() as host:
            await host.call(q.GetHostInfo())
            opened = await host.call(q.OpenSession(cwd=str(apart.work), name="work"))
            session = host.session(opened.session_id)
            await session.call(q.Execute("1", execution_id="waits"))
            await wait_until(lambda: others(apart), "the kernel's process")
            for process in others(apart):
                process.kill()
            snapshot = await finished(session, "waits")
            hold.unlink()
            assert snapshot.executions["waits"].status == "cancelled"
            assert "SIGKILL" in snapshot.executions["waits"].reason
            await session.call(q.Execute("2", execution_id="next"))
            assert (await finished(session, "next")).executions["next"].status == "ok"
        check_journal(journal(apart, opened.session_id))


@pytest.mark.parametrize("moment", ["start", "running"])
def test_a_run_that_is_killed_leaves_no_program(moment: str) -> None:
    with user() as apart:
        (apart.work / "endless.py").write_text("print('begun', flush=True)\n" + ENDLESS)
        program = subprocess.Popen(
            [sys.executable, "-m", "codeexec", "run", "endless.py"],
            cwd=apart.work,
            env=apart.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert program.stdout is not None
        if moment == "running":
            assert program.stdout.readline() == b"begun\n"
        wait_for(lambda: len(apart.processes()) > 1, "the program's process")
        program.kill()
        program.wait()
        program.stdout.close()
        wait_for(lambda: not apart.processes(), "the program to end")


def test_a_program_ends_whose_parent_was_killed_before_it_asked() -> None:
    file = Path(codeexec.__file__).parent / "guest" / "program" / "sitecustomize.py"
    code = (
        f"import runpy, sys; names = runpy.run_path({str(file)!r})\n"
        "names['end_with_parent'](int(sys.argv[1]))\nsys.stdin.read(); print('goes on')"
    )
    read, write = os.pipe()
    os.close(write)  # as the system does it for a parent that is killed
    try:
        program = subprocess.run(
            [sys.executable, "-c", code, str(read)],
            pass_fds=[read],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=90,
        )
    finally:
        os.close(read)
    assert (program.returncode, program.stdout) == (-signal.SIGHUP, b""), program.stderr


async def test_a_crashed_start_leaves_no_process() -> None:
    with user() as apart:
        apart.paths.state.mkdir(parents=True, mode=0o700)
        (apart.paths.state / "sessions").write_text("a file in the way")
        server = apart.start("--first-session", f'{{"cwd": "{apart.work}"}}')
        said, _ = server.communicate(timeout=90)
        assert server.returncode == 1
        assert "XDG_STATE_HOME" in said
        await wait_until(lambda: not apart.processes(), "all processes to end")
