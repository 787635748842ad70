"""Two things at once, on real kernels: whoever comes first, each run ends once and none is left."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from codeexec.domain.errors import Conflict, KernelUnavailable
from codeexec.domain.events import InterruptEscalated, KernelReady, Recorded
from codeexec.domain.outputs import iter_rows
from codeexec.domain.requests import (
    AnswerStdin,
    Execute,
    Interrupt,
    ReadRows,
    RestartKernel,
    ShutDownKernel,
    StopSession,
)
from codeexec.domain.snapshot import Snapshot
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.invariants import check_journal, read_journal
from support.kernel_cases import no_orphans
from support.sessions import finished, open_host, open_session, run, submit, text, until

pytestmark = pytest.mark.slow

ENDLESS = "import time\nprint('on', flush=True)\nwhile True:\n    time.sleep(0.01)"
STUBBORN = (
    "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "print('deaf', flush=True)\nwhile True:\n    time.sleep(0.01)"
)
QUICK = HostSettings(ladder_grace=(0.1, 0.1, 2.0))
# A second request within this time is the second rung, however busy the machine is.
PATIENT = HostSettings(ladder_grace=(20.0, 20.0, 20.0))


def stages(session: Session) -> list[str]:
    return [
        record.event.stage
        for record in read_journal(session.folder)
        if isinstance(record.event, InterruptEscalated)
    ]


async def test_two_interrupts_at_once_are_two_rungs_of_one_ladder(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", QUICK) as host:
        session = await open_session(host, tmp_path)
        deaf = await submit(session, STUBBORN)
        await until(session, lambda s: s.executions[deaf].total)
        await asyncio.gather(session.call(Interrupt()), session.call(Interrupt()))
        await until(session, lambda s: s.kernel.ladder and s.kernel.ladder.stage != "interrupt")
        # A run that nobody asks to end by force goes on; asked a third time, it is ended.
        await session.call(Interrupt())
        await finished(session, deaf)
        assert stages(session) == ["interrupt", "interrupt_again", "terminate"]


def has_spoken(execution_id: str, snapshot: Snapshot) -> bool:
    view = snapshot.executions[execution_id]
    return view.total > 0 or not view.is_open


async def test_an_interrupt_of_the_next_run_is_not_mixed_up_with_the_last(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", PATIENT) as host:
        session = await open_session(host, tmp_path)
        ids = [await submit(session, ENDLESS, stop_on_error=False) for _ in range(4)]
        for each in ids:
            # One that is interrupted as it begins may end without a word.
            view = (await until(session, partial(has_spoken, each))).executions[each]
            if view.is_open:
                await session.call(Interrupt())
            while session.snapshot.executions[each].is_open:  # noqa: ASYNC110
                await asyncio.sleep(0)  # to the very moment at which the next one runs
            if session.snapshot.running is not None:
                await session.call(Interrupt())
        ends = {session.snapshot.executions[each].status for each in ids}
        assert ends == {"cancelled"}
        assert session.snapshot.kernel.generation == 1
        assert not {"terminate", "kill"} & set(stages(session))
        assert (await run(session, "1")).status == "ok"


async def test_a_restart_gives_up_a_start_that_is_under_way(tmp_path: Path) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state") as host:
            session = await open_session(host, tmp_path)
            waiting = await submit(session, "1")
            await asyncio.gather(*(session.call(RestartKernel()) for _ in range(3)))
            assert (await finished(session, waiting)).status == "cancelled"
            assert (await run(session, "2")).status == "ok"
            ready = [r for r in read_journal(session.folder) if isinstance(r.event, KernelReady)]
            assert len(ready) == 1
            await host.call(StopSession(session.session_id))
            check_journal(session.folder)


async def test_a_shut_down_gives_up_a_restart(tmp_path: Path) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state") as host:
            session = await open_session(host, tmp_path)
            await run(session, "1")
            restarting = asyncio.ensure_future(session.call(RestartKernel()))
            await until(session, lambda s: s.kernel.state == "starting")
            await session.call(ShutDownKernel())
            await restarting
            assert session.snapshot.kernel.state == "stopped"
            assert (await run(session, "2")).status == "ok"


async def test_an_interrupt_of_a_kernel_that_dies(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state", QUICK) as host:
        session = await open_session(host, tmp_path)
        endless = await submit(session, ENDLESS)
        pid = (await until(session, lambda s: s.executions[endless].total)).kernel.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await session.call(Interrupt())
        assert (await finished(session, endless)).status == "lost"
        with pytest.raises(Conflict):
            await session.call(Interrupt())
        assert (await run(session, "1")).status == "ok"
        check_journal(session.folder, snapshot=session.snapshot)


async def test_a_restart_while_input_is_awaited(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        asking = await submit(session, "input('name?')")
        asked = (await until(session, lambda s: s.executions[asking].stdin)).executions[asking]
        assert asked.stdin is not None
        await session.call(RestartKernel())
        view = await finished(session, asking)
        assert (view.status, view.stdin) == ("cancelled", None)
        with pytest.raises(Conflict) as caught:
            await session.call(AnswerStdin(asked.stdin.request_id, "late"))
        assert caught.value.next_step
        assert await text(session, await run(session, "print('on')")) == ["on"]


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
async def test_a_session_that_is_stopped_while_its_kernel_starts(
    tmp_path: Path, turns: int
) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state") as host:
            session = await open_session(host, tmp_path)
            await submit(session, "1")
            for _ in range(turns):
                await asyncio.sleep(0)
            stop = StopSession(session.session_id)
            await asyncio.gather(host.call(stop), host.call(stop))
            assert check_journal(session.folder).closed


async def test_what_is_asked_while_a_session_stops_is_refused(tmp_path: Path) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state") as host:
            session = await open_session(host, tmp_path)
            await submit(session, ENDLESS)
            running = (await until(session, lambda s: s.running and s.running.total)).running
            stopping = asyncio.ensure_future(host.call(StopSession(session.session_id)))
            await until(session, lambda s: s.running is None)
            assert not stopping.done()
            with pytest.raises(Conflict):
                await session.call(Execute("1"))
            await stopping
            folded = check_journal(session.folder)
            assert running is not None
            assert folded.executions[running.execution_id].status == "cancelled"


async def test_the_same_id_asked_for_at_once_runs_once(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        request = Execute("n = globals().get('n', 0) + 1\nprint(n)", execution_id="exec-mine")
        taken = await asyncio.gather(*(session.call(request) for _ in range(5)))
        assert {each.execution_id for each in taken} == {"exec-mine"}
        assert await text(session, await finished(session, "exec-mine")) == ["1"]
        check_journal(session.folder)


async def test_a_restart_as_an_unknown_kernel_leaves_all_as_it_is(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        await run(session, "x = 42")
        with pytest.raises(KernelUnavailable) as caught:
            await session.call(RestartKernel("no-such-kernel"))
        assert "no-such-kernel" in caught.value.message
        assert caught.value.next_step
        assert await text(session, await run(session, "print(x)")) == ["42"]


async def test_a_reader_that_is_behind_hears_a_stopped_session_to_its_end(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        reading = session.events(0, "full")
        heard: list[Recorded] = list(await anext(reading))
        await run(session, "for i in range(60_000): print('a line of the flood', i)")
        await host.call(StopSession(session.session_id))
        async for batch in reading:
            heard += batch
        assert len(heard) == len(read_journal(session.folder))
        assert check_journal(session.folder, heard=heard).closed


async def test_what_waits_and_what_has_a_time_limit_goes_on_with_the_next_host(
    tmp_path: Path,
) -> None:
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            session = await open_session(host, tmp_path)
            timed = await submit(session, ENDLESS, timeout=1.5, stop_on_error=False)
            waiting = [await submit(session, f"print({n})") for n in (1, 2)]
            # Its time may be over before its first word.
            await until(session, partial(has_spoken, timed))
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            view = await finished(session, timed)
            assert view.status == "timed_out"
            views = [await finished(session, each) for each in waiting]
            assert [await text(session, each) for each in views] == [["1"], ["2"]]
            assert session.snapshot.kernel.generation == 1
            check_journal(session.folder)


async def test_a_host_that_lets_go_during_a_flood_keeps_what_it_has_heard(tmp_path: Path) -> None:
    code = "import time\nfor i in range(4000):\n    print('line', i)\n    time.sleep(0.0005)"
    with no_orphans():
        async with open_host(tmp_path / "state", leave_kernels=True) as host:
            session = await open_session(host, tmp_path)
            flood = await submit(session, code)
            await until(session, lambda s: s.executions[flood].total > 500)
        async with open_host(tmp_path / "state") as host:
            (session,) = host.sessions
            assert (await finished(session, flood)).status == "ok"
            page = await session.call(ReadRows(flood, 0, 5000))
            lines = [int(row.text.split()[1]) for row in iter_rows(page.runs)]
            assert lines == sorted(set(lines))
            assert lines[:500] == list(range(500))
            assert lines[-1] == 3999
            check_journal(session.folder)
