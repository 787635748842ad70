"""A session on a real kernel: code in, events out, every execution ends once."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from codeexec.domain.errors import Busy, Conflict, Denied, NotFound, UsageError
from codeexec.domain.events import ExecutionFinished, InterruptEscalated, Recorded
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import (
    AnswerStdin,
    CancelExecution,
    ClearQueue,
    ClientInfo,
    Complete,
    Execute,
    GetUsage,
    Interrupt,
    ReadRows,
    RenameSession,
    RestartKernel,
    SearchHistory,
    SearchRows,
    ShutDownKernel,
    StopSession,
    Variables,
)
from codeexec.domain.snapshot import Snapshot
from codeexec.kernels.capabilities import HasVariables
from codeexec.session.kernels import variables
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.containers import require_engine
from support.sessions import (
    DEADLINE,
    finished,
    open_host,
    open_session,
    run,
    submit,
    text,
    until,
)

ENDLESS = "import time\nwhile True:\n    time.sleep(0.01)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\nwhile True:\n    time.sleep(0.01)"
)


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)], autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every story holds wherever the kernel runs."""
    if request.param == "docker":
        require_engine()
    monkeypatch.setattr("support.sessions.BACKEND", request.param)
    return str(request.param)


@pytest.mark.slow
async def test_what_runs_is_told_by_facts(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        view = await run(session, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n6 * 7")
        assert view.status == "ok"
        assert view.count == 1
        assert await text(session, view) == ["out"]
        assert await text(session, view, "stderr") == ["err"]
        part = view.displays[0].part("text/plain")
        assert part is not None and part.text == "42"
        assert view.displays[0].role == "result"

        failed = await run(session, "1 / 0")
        assert failed.status == "error"
        assert failed.error is not None and failed.error.name == "ZeroDivisionError"


@pytest.mark.slow
async def test_live_and_replayed_facts_fold_to_the_same(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        for code in ("for i in range(5000): print(i)", "1/0", "display(1, display_id='x')"):
            await run(session, code)
        for mode in ("tail", "full"):
            replayed = Snapshot()
            async for batch in session.events(0, mode):
                replayed = apply(replayed, batch)
                if replayed.seq >= session.snapshot.seq:
                    break
            assert replayed == session.snapshot


@pytest.mark.slow
async def test_order_cancel_clear_and_stop_on_error(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        first = await submit(session, "input('go')")
        second, third, fourth = [await submit(session, f"print({n})") for n in (2, 3, 4)]
        await session.call(CancelExecution(second))
        snapshot = await until(session, lambda s: s.executions[first].stdin)
        assert snapshot.executions[second].status == "cancelled"
        assert [view.execution_id for view in snapshot.queue] == [third, fourth]
        cleared = await session.call(ClearQueue())
        assert cleared.count == 2
        request = session.snapshot.executions[first].stdin
        assert request is not None
        await session.call(AnswerStdin(request.request_id, "on"))
        assert (await finished(session, first)).status == "ok"
        with pytest.raises(Conflict):
            await session.call(AnswerStdin(request.request_id, "again"))

        failing = await submit(session, "input()\n1/0")
        behind = await submit(session, "print('never')")
        stdin = (await until(session, lambda s: s.executions[failing].stdin)).running
        assert stdin is not None and stdin.stdin is not None
        await session.call(AnswerStdin(stdin.stdin.request_id, ""))
        skipped = await finished(session, behind)
        assert (skipped.status, skipped.reason) == ("cancelled", "Skipped: an earlier cell failed.")

        endless = await submit(session, "input()")
        behind = await submit(session, "print('never')")
        await until(session, lambda s: s.executions[endless].stdin)
        await session.call(Interrupt())
        assert (await finished(session, endless)).reason == "Interrupted."
        skipped = await finished(session, behind)
        assert skipped.reason == "Skipped: an earlier cell was interrupted."

        kept = await submit(session, "1/0", stop_on_error=False)
        goes_on = await submit(session, "print('still')")
        assert (await finished(session, kept)).status == "error"
        assert (await finished(session, goes_on)).status == "ok"


async def test_the_same_id_runs_once(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        for _ in range(3):
            await session.call(Execute("n = globals().get('n', 0) + 1", execution_id="exec-mine"))
        await finished(session, "exec-mine")
        view = await run(session, "print(n)")
        assert await text(session, view) == ["1"]


async def test_interrupt_ends_a_loop_and_the_session_goes_on(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        endless = await submit(session, ENDLESS)
        await until(session, lambda s: s.executions[endless].count)
        await session.call(Interrupt())
        view = await finished(session, endless)
        assert view.status == "cancelled"
        assert view.error is not None and view.error.name == "KeyboardInterrupt"
        assert (await run(session, "print('on')")).status == "ok"
        with pytest.raises(Conflict):
            await session.call(Interrupt())


@pytest.mark.slow
async def test_the_ladder_ends_what_ignores_interrupts(tmp_path: Path) -> None:
    settings = HostSettings(ladder="auto", ladder_grace=(0.1, 0.1, 0.5))
    async with open_host(tmp_path / "state", settings) as host:
        session = await open_session(host, tmp_path)
        deaf = await submit(session, STUBBORN)
        behind = await submit(session, "print('never')")
        await until(session, lambda s: s.executions[deaf].total)
        await session.call(Interrupt())
        view = await finished(session, deaf)
        assert view.status == "cancelled"
        assert (await finished(session, behind)).status == "cancelled"
        await until(session, lambda s: s.kernel.state == "dead")
        stages = [
            record.event.stage
            for record in await recorded(session)
            if isinstance(record.event, InterruptEscalated)
        ]
        assert stages[:3] == ["interrupt", "interrupt_again", "terminate"]
        fresh = await run(session, "print('fresh')")
        assert fresh.status == "ok"
        assert session.snapshot.kernel.generation == 2


async def test_a_timeout_ends_a_run(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        view = await run(session, ENDLESS, timeout=0.3)
        assert view.status == "timed_out"
        assert "0.3 s" in view.reason
        assert (await run(session, "1")).status == "ok"


@pytest.mark.slow
async def test_a_kernel_that_dies_is_explained_and_replaced(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        dying = await submit(session, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
        behind = await submit(session, "print('never')")
        view = await finished(session, dying)
        assert view.status == "lost"
        assert "SIGKILL" in view.reason
        assert (await finished(session, behind)).status == "cancelled"
        snapshot = await until(session, lambda s: s.kernel.state == "dead")
        assert snapshot.kernel.death is not None and snapshot.kernel.death.signal == 9
        assert (await run(session, "print('fresh')")).status == "ok"


@pytest.mark.slow
async def test_restart_and_shut_down(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 1")
        endless = await submit(session, ENDLESS)
        waiting = await submit(session, "x")
        await until(session, lambda s: s.executions[endless].count)
        await session.call(RestartKernel())
        assert (await finished(session, endless)).status == "cancelled"
        assert (await finished(session, waiting)).status == "cancelled"
        assert (await run(session, "x")).status == "error"
        await session.call(ShutDownKernel())
        assert session.snapshot.kernel.state == "stopped"
        assert (await run(session, "print(1)")).status == "ok"


@pytest.mark.slow
async def test_every_execution_ends_exactly_once(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        for code in ("1", "1/0", "import os; os._exit(0)"):
            await run(session, code)
        running = await submit(session, ENDLESS)
        await until(session, lambda s: s.executions[running].count)
        await host.call(StopSession(session.session_id))
        ends = Counter(
            record.event.execution_id
            for record in await recorded(session, reopen=tmp_path / "state")
            if isinstance(record.event, ExecutionFinished)
        )
        assert set(ends.values()) == {1}
        assert len(ends) == 4


@pytest.mark.slow
async def test_questions(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, name="mine")
        assert await open_session(host, tmp_path, name="mine") is session
        view = await run(session, "for i in range(3000): print('line', i)")
        page = await session.call(ReadRows(view.execution_id, 1500, 2))
        assert [run.text for run in page.runs] == ["line 1500\nline 1501"]
        found = await session.call(SearchRows("line 29", execution_id=view.execution_id))
        assert [match.row for match in found.matches][:2] == [29, 290]
        history = await session.call(SearchHistory("range(3000)"))
        assert history.entries[0].execution_id == view.execution_id
        completions = await session.call(Complete("impor", 5))
        assert "import" in [match.text for match in completions.matches]
        usage = await session.call(GetUsage())
        assert usage.rss is not None and usage.rss > 2**20
        await session.call(RenameSession("yours"))
        assert host.session("yours") is session
        with pytest.raises(NotFound):
            host.session("mine")
        with pytest.raises(NotFound):
            await session.call(ReadRows("exec-none", 0, 1))
        with pytest.raises(UsageError):
            await session.call(Execute("1", options=ExecuteOptions(timeout=-1)))


async def test_who_only_watches_changes_nothing(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        watcher = ClientInfo("audience", watch_only=True)
        with pytest.raises(Denied):
            await session.call(Execute("1"), watcher)
        await session.call(GetUsage(), watcher)


async def test_variables_are_taken_after_a_run(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        with session.join(ClientInfo("watcher")):
            await run(session, "answer = 42\nwords = ['a', 'b']")
            snapshot = await until(session, lambda s: s.kernel.variables)
        assert {v.name: v.type for v in snapshot.kernel.variables} == {
            "answer": "int",
            "words": "list",
        }


@pytest.mark.slow
async def test_variables_that_nobody_watches_are_taken_for_the_next_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However long the kernel is kept from its processor.
    monkeypatch.setattr(variables, "CATCH_UP_SECONDS", DEADLINE)
    monkeypatch.setattr(variables, "DEADLINE", DEADLINE)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "answer = 41")
        await run(session, "import time; time.sleep(0.3)")  # as long as a look would take
        assert [v.name for v in session.snapshot.kernel.variables] == []
        with session.join(ClientInfo("watcher")):
            await until(session, lambda s: "answer" in {v.name for v in s.kernel.variables})
        await run(session, "answer += 1")
        await session.kernels.variables.catch_up()
        assert {v.name: v.preview for v in session.snapshot.kernel.variables}["answer"] == "42"


async def test_variables_that_an_idle_kernel_was_too_slow_to_tell_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables_of, asked = variables._variables_of, 0

    async def tell(able: HasVariables, deadline: float) -> Variables:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Busy("The kernel does not answer.", "Try again.")
        return await able.variables(deadline)

    monkeypatch.setattr(
        variables,
        "_variables_of",
        lambda slot: SimpleNamespace(variables=partial(tell, variables_of(slot))),
    )
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        with session.join(ClientInfo("watcher")):
            await run(session, "answer = 42")
            await until(session, lambda s: s.kernel.variables)
    assert asked == 2


async def test_files_that_a_run_writes_are_kept(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        work = tmp_path / "work"
        work.mkdir()
        session = await open_session(host, work)
        await run(session, "open('table.csv', 'w').write('a,b\\n1,2\\n')")
        snapshot = await until(session, lambda s: s.artifacts)
        assert [(a.name, a.mime) for a in snapshot.artifacts] == [("table.csv", "text/csv")]


async def test_no_such_kernel_is_an_end_with_a_next_step(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(
            host, tmp_path, backend="local", kernel="no-such-kernel", start_kernel=False
        )
        view = await run(session, "1")
        assert view.status == "cancelled"
        assert "no-such-kernel" in view.reason


async def recorded(session: Session, reopen: Path | None = None) -> list[Recorded]:
    if reopen is not None:
        from codeexec.session.storage.journal import Journal

        journal = Journal.open(session.folder / "journal.db")
        try:
            return journal.read(0, 100_000, "tail")
        finally:
            journal.close()
    await asyncio.sleep(0)
    return session.recorder.journal.read(0, 100_000, "tail")
