"""Adoption by the next server: one kernel a session, whatever it prints and whatever is asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

import psutil
import pytest

from codeexec.domain.errors import Conflict, UsageError
from codeexec.domain.events import KernelStarting
from codeexec.domain.requests import (
    Execute,
    Interrupt,
    ListSessions,
    PauseKernel,
    ReadRows,
    RestartKernel,
    ShutDownKernel,
    StopSession,
)
from codeexec.kernels.base import Handle, Ready
from codeexec.kernels.jupyter.connection import KernelConnection
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.session.host import Host
from codeexec.session.session import Session
from support.invariants import check_journal, read_journal
from support.kernel_cases import no_orphans
from support.sessions import DEADLINE, finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.slow

PRINTING = "import time\nwhile True:\n    print('line', flush=True)\n    time.sleep(0.001)"


_OTHERS: set[int] = set()
"""Children that the test process had before, such as servers that other tests share."""


@pytest.fixture(autouse=True)
def other_children() -> Iterator[None]:
    _OTHERS.update(child.pid for child in psutil.Process().children())
    yield
    _OTHERS.clear()


def kernels() -> list[int]:
    """The kernel processes of the test that runs."""
    own = [child for child in psutil.Process().children() if child.pid not in _OTHERS]
    return [process.pid for child in own for process in _living(child)]


def _living(child: psutil.Process) -> list[psutil.Process]:
    """The process and its descendants, as far as they have not ended."""
    living = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (child, *child.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE:
                    living.append(process)
    return living


def starts(session: Session) -> int:
    return sum(isinstance(r.event, KernelStarting) for r in read_journal(session.folder))


async def leave_printing(state: Path, cwd: Path) -> tuple[int, str, str]:
    """A session left by its host while one cell prints and another waits: pid, both ids."""
    async with open_host(state, leave_kernels=True) as host:
        session = await open_session(host, cwd)
        printing = await submit(session, PRINTING, stop_on_error=False)
        waiting = await submit(session, "print('next')")
        pid = (await until(session, lambda s: s.executions[printing].total)).kernel.pid
    assert pid is not None
    return pid, printing, waiting


async def test_a_printing_kernel_is_adopted_and_no_second_one_started(tmp_path: Path) -> None:
    with no_orphans():
        pid, printing, waiting = await leave_printing(tmp_path / "state", tmp_path)
        for _ in range(5):
            async with open_host(tmp_path / "state", leave_kernels=True) as host:
                (session,) = host.sessions
                before = session.snapshot.executions[printing].total
                heard = await until(
                    session,
                    lambda s, before=before: s.executions[printing].total > before + 20,  # type: ignore[misc]
                )
                assert heard.kernel.pid == pid
                assert kernels() == [pid]
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            await session.call(Interrupt())
            assert (await finished(session, printing)).status == "cancelled"
            assert await text(session, await finished(session, waiting)) == ["next"]
            assert session.snapshot.kernel.pid == pid
            assert starts(session) == 1
            check_journal(session.folder, snapshot=session.snapshot)


async def interrupt(host: Host, session: Session, waiting: str) -> None:
    await session.call(Interrupt())
    assert (await finished(session, waiting)).status == "ok"


async def execute(host: Host, session: Session, waiting: str) -> None:
    third = (await session.call(Execute("print('third')"))).execution_id
    await session.call(Interrupt())
    assert await text(session, await finished(session, third)) == ["third"]
    assert (await finished(session, waiting)).status == "ok"


async def restart(host: Host, session: Session, waiting: str) -> None:
    await asyncio.gather(*(session.call(RestartKernel()) for _ in range(3)))
    assert session.snapshot.executions[waiting].status == "cancelled"
    assert (await run(session, "1")).status == "ok"


async def pause(host: Host, session: Session, waiting: str) -> None:
    with pytest.raises(UsageError, match="container"):
        await session.call(PauseKernel())
    await interrupt(host, session, waiting)


async def shut_down(host: Host, session: Session, waiting: str) -> None:
    await session.call(ShutDownKernel())
    assert kernels() == []
    assert (await run(session, "1")).status == "ok"


async def stop(host: Host, session: Session, waiting: str) -> None:
    request = StopSession(session.session_id)
    await asyncio.gather(host.call(request), host.call(request), return_exceptions=True)
    assert kernels() == []
    with pytest.raises(Conflict):
        await session.call(Execute("1"))


Act = Callable[[Host, Session, str], Coroutine[object, object, None]]


@pytest.mark.parametrize("act", [interrupt, execute, restart, pause, shut_down, stop])
async def test_what_is_asked_during_an_adoption_meets_one_kernel(tmp_path: Path, act: Act) -> None:
    with no_orphans():
        pid, _printing, waiting = await leave_printing(tmp_path / "state", tmp_path)
        os.kill(pid, signal.SIGSTOP)  # else it may be adopted before the first look
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            state = (await host.call(ListSessions())).sessions[0].state
            os.kill(pid, signal.SIGCONT)
            assert state == "adopting"
            await act(host, session, waiting)
            assert len(kernels()) <= 1
            if kernels() and act not in (restart, shut_down):
                assert kernels() == [pid] == [session.snapshot.kernel.pid]
            check_journal(session.folder)


async def test_kernels_that_do_not_answer_are_waited_for_at_once_and_hold_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience = 4.0
    monkeypatch.setattr("codeexec.kernels.jupyter.kernel.QUESTION", patience)
    greet, waited_for, most = JupyterKernel._greet_again, 0, 0

    async def greet_counted(
        kernel: JupyterKernel, connection: KernelConnection, handle: Handle
    ) -> Ready | None:
        nonlocal waited_for, most
        waited_for += 1
        most = max(most, waited_for)
        try:
            return await greet(kernel, connection, handle)
        finally:
            waited_for -= 1

    monkeypatch.setattr(JupyterKernel, "_greet_again", greet_counted)
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            sessions = [await open_session(host, tmp_path) for _ in range(3)]
            for session in sessions:
                await until(session, lambda s: s.kernel.state == "idle")
            pids = [session.snapshot.kernel.pid for session in sessions]
        for pid in pids:
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
        async with open_host(tmp_path / "state") as host:
            summaries = (await host.call(ListSessions())).sessions
            assert [each.state for each in summaries] == ["adopting"] * 3, "it waited for kernels"
            accepted = [await each.call(Execute("print(1)")) for each in host.sessions]
            await asyncio.gather(*(each.slots.adopted() for each in host.sessions))
            assert most == 3, "they were waited for one after another"
            for pid in pids:
                assert pid is not None
                os.kill(pid, signal.SIGCONT)
            for session, each in zip(host.sessions, accepted, strict=True):
                view = await finished(session, each.execution_id)
                assert await text(session, view) == ["1"]
                assert session.snapshot.kernel.pid in pids


async def test_a_kernel_that_dies_during_its_adoption_costs_only_what_it_was_given(
    tmp_path: Path,
) -> None:
    with no_orphans():
        pid, printing, waiting = await leave_printing(tmp_path / "state", tmp_path)
        os.kill(pid, signal.SIGSTOP)
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            later = await submit(session, "print('on a fresh one')")
            os.kill(pid, signal.SIGKILL)
            assert (await finished(session, printing)).status == "lost"
            assert (await finished(session, waiting)).status == "lost"
            assert await text(session, await finished(session, later)) == ["on a fresh one"]
            assert session.snapshot.kernel.generation == 2
            check_journal(session.folder, snapshot=session.snapshot)


async def test_a_host_that_ends_during_an_adoption_leaves_the_kernel_to_the_next(
    tmp_path: Path,
) -> None:
    with no_orphans():
        pid, printing, waiting = await leave_printing(tmp_path / "state", tmp_path)
        for _ in range(3):
            async with open_host(tmp_path / "state", leave_kernels=True):
                pass
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            await interrupt(host, session, waiting)
            assert kernels() == [pid] == [session.snapshot.kernel.pid]
            assert (await session.call(ReadRows(printing, 0, 1))).total > 0


async def test_a_kernel_that_was_being_ended_is_ended_by_the_next_server(tmp_path: Path) -> None:
    with no_orphans():
        state = tmp_path / "state"
        pid, printing, waiting = await leave_printing(state, tmp_path)
        async with open_host(state, leave_kernels=True) as host:
            (session,) = host.sessions
            await session.slots.adopted()
            kernel = session.slots.default.supervisor.kernel
            assert kernel is not None
            # The moment after the handle was marked, at which a server may be killed.
            session.recorder.keep("kernel", {**kernel.handle(), "ending": True})
        async with open_host(state) as host:
            (session,) = host.sessions
            assert (await finished(session, printing)).status == "lost"
            assert (await finished(session, waiting)).status == "lost"
            await session.slots.adopted()
            assert pid not in kernels()


async def test_a_kernel_that_was_being_started_when_the_server_was_killed_is_ended(
    tmp_path: Path,
) -> None:
    """It is in no handle: only the mark of its session tells that it is ours."""
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path, start_kernel=False)
    stray = await asyncio.create_subprocess_exec(
        "sleep", "60", env={**os.environ, "CODEEXEC_SESSION": session.session_id}
    )
    async with open_host(tmp_path / "state") as host:
        assert await stray.wait() == -signal.SIGKILL
        (session,) = host.sessions
        assert (await run(session, "1")).status == "ok"


async def test_a_kernel_whose_adoption_fails_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*said: object) -> None:
        raise OSError("no file descriptor is left")

    with no_orphans():
        pid, printing, waiting = await leave_printing(tmp_path / "state", tmp_path)
        monkeypatch.setattr("codeexec.kernels.factory.Kernels.adopt", fail)
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            for each in (printing, waiting):
                assert (await finished(session, each)).status == "lost"
            assert (await run(session, "1")).status == "ok"
            assert pid not in kernels()
            assert len(kernels()) == 1


async def test_a_host_that_ends_as_an_adoption_is_nearly_done_starts_no_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is connected already and prints, while it is still looked for strays."""
    entered, released = threading.Event(), threading.Event()

    def wait(*mark: str) -> bool:
        entered.set()
        return released.wait(30)

    with no_orphans():
        state = tmp_path / "state"
        pid, _, waiting = await leave_printing(state, tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr("codeexec.session.kernels.slots.end_marked", wait)
            async with open_host(state, leave_kernels=True):
                await asyncio.to_thread(entered.wait, 30)
            released.set()
        async with open_host(state) as host:
            (session,) = host.sessions
            await interrupt(host, session, waiting)
            assert kernels() == [pid] == [session.snapshot.kernel.pid]
            assert starts(session) == 1


async def test_sessions_are_left_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A kernel that does not answer is waited for; of a hundred sessions each may have one.
    all_leave = asyncio.Barrier(3)
    detach = Session.detach

    async def wait_for_the_others(session: Session) -> None:
        await all_leave.wait()
        await detach(session)

    monkeypatch.setattr(Session, "detach", wait_for_the_others)
    with no_orphans():
        async with asyncio.timeout(DEADLINE):
            async with open_host(tmp_path / "state", leave_kernels=True) as host:
                for _ in range(3):
                    await open_session(host, tmp_path)
        monkeypatch.undo()
        async with open_host(tmp_path / "state") as host:
            assert len(host.sessions) == 3
