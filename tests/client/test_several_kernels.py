"""Two Python kernels and a bash kernel in one session: embedded here, and behind a socket."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from codeexec.client.api import HostClient, SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.client.socket import SocketHost
from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, NotFound, UsageError
from codeexec.domain.events import CellRef, ExecutionStarted, KernelReady, Recorded
from codeexec.domain.fold import apply
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.outputs import iter_rows
from codeexec.domain.snapshot import ExecutionView, Snapshot
from support.kernel_cases import no_orphans
from support.kernelspecs import BASH, install
from support.servers import serve_here, short_folder, user, wait_until

pytestmark = pytest.mark.slow

DEADLINE = 90.0
R = TypeVar("R")


@pytest.fixture(autouse=True)
def bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    install(tmp_path / "jupyter", "bash", BASH)


class Follower:
    """A session as a client sees it: its events folded as they come."""

    def __init__(self, session: SessionClient) -> None:
        self.session = session
        self.snapshot = Snapshot()
        self.heard: list[Recorded] = []
        self._changed = asyncio.Event()

    async def follow(self) -> None:
        async for batch in self.session.events(0, "full"):
            self.heard += batch
            self.snapshot = apply(self.snapshot, batch)
            self._changed.set()

    async def until(self, holds: Callable[[Snapshot], object]) -> Snapshot:
        try:
            async with asyncio.timeout(DEADLINE):
                while not holds(self.snapshot):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"never came: {self.snapshot}") from None
        return self.snapshot

    async def submit(
        self, code: str, kernel: str = "", document: str = "", language: str = ""
    ) -> str:
        cell = CellRef(document, language=language) if document else None
        options = ExecuteOptions(kernel=kernel)
        accepted = await self.session.call(q.Execute(code, cell=cell, options=options))
        await self.until(lambda s: s.seq >= accepted.seq)
        return accepted.execution_id

    async def call(self, request: q.Request[R]) -> R:
        """Ask, and wait for the events of it."""
        reply = await self.session.call(request)
        if isinstance(reply, q.Done):
            await self.until(lambda s: s.seq >= reply.seq)
        return reply

    async def ended(self, execution_id: str) -> ExecutionView:
        snapshot = await self.until(
            lambda s: execution_id in s.executions and not s.executions[execution_id].is_open
        )
        return snapshot.executions[execution_id]

    async def run(self, code: str, kernel: str = "") -> ExecutionView:
        return await self.ended(await self.submit(code, kernel))

    @property
    def adopted(self) -> set[str]:
        """Kernels that a later server has taken up."""
        events = (record.event for record in self.heard)
        return {e.kernel for e in events if isinstance(e, KernelReady) and e.adopted}

    @property
    def started(self) -> list[str]:
        events = (record.event for record in self.heard)
        return [event.execution_id for event in events if isinstance(event, ExecutionStarted)]


def text(view: ExecutionView) -> list[str]:
    return [row.text for row in iter_rows(view.tail) if row.kind == "stdout"]


def waiting_for(path: Path) -> str:
    """Python that waits until the file is there."""
    return f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)"


@pytest.fixture(params=["embedded", "socket"])
async def host(request: pytest.FixtureRequest) -> AsyncIterator[HostClient]:
    async with AsyncExitStack() as stack:
        stack.enter_context(no_orphans())
        folder = stack.enter_context(short_folder())
        if request.param == "embedded":
            yield await stack.enter_async_context(EmbeddedHost(folder / "state"))
            return
        here = await stack.enter_async_context(serve_here(folder))
        yield await stack.enter_async_context(SocketHost(here.address))


@asynccontextmanager
async def followed(host: HostClient, cwd: Path, **fields: str) -> AsyncIterator[Follower]:
    summary = await host.call(q.OpenSession(cwd=str(cwd), **fields))  # type: ignore[arg-type]
    follower = Follower(host.session(summary.session_id))
    following = asyncio.create_task(follower.follow())
    try:
        yield follower
    finally:
        following.cancel()
        await asyncio.wait({following})


async def test_each_kernel_has_its_own_state_variables_interrupt_and_restart(
    host: HostClient, tmp_path: Path
) -> None:
    async with followed(host, tmp_path) as session:
        call = session.call
        await call(q.StartKernel("python-2"))
        ran = [
            await session.submit("x = 'first'; print(x)"),
            await session.submit("x = 'second'; print(x)", "python-2"),
            await session.submit("X=third; echo $X", "bash"),
        ]
        views = [await session.ended(each) for each in ran]
        assert [text(view) for view in views] == [["first"], ["second"], ["third"]]
        assert [view.kernel for view in views] == ["python", "python-2", "bash"]
        kernels = session.snapshot.kernels
        assert {name: kernel.generation for name, kernel in kernels.items()} == {
            "python": 1,
            "python-2": 1,
            "bash": 1,
        }
        assert len({kernel.pid for kernel in kernels.values()}) == 3
        assert kernels["bash"].language == "bash"
        # Variables, and what else is asked of one kernel.
        for kernel, value in (("", "'first'"), ("python", "'first'"), ("python-2", "'second'")):
            variables = (await call(q.RefreshVariables(kernel=kernel))).variables
            assert [(v.name, v.preview) for v in variables] == [("x", value)]
        await session.until(lambda s: s.kernels["python-2"].variables)
        assert session.snapshot.kernels["python-2"].variables[0].preview == "'second'"
        in_shell = (await call(q.RefreshVariables(kernel="bash"))).variables
        assert [(variable.name, variable.preview) for variable in in_shell] == [("X", "third")]
        assert (await call(q.IsComplete("for i in x:", kernel="python-2"))).status == "incomplete"
        assert (await call(q.GetUsage(kernel="bash"))).rss
        # An interrupt and a restart meet one kernel alone.
        endless = "import time\nwhile True: time.sleep(0.01)"
        both = [await session.submit(endless, kernel) for kernel in ("python", "python-2")]
        await session.until(lambda s: all(s.executions[each].count for each in both))
        await call(q.Interrupt(kernel="python-2"))
        assert (await session.ended(both[1])).status == "cancelled"
        assert session.snapshot.kernels["python"].state == "busy"
        assert session.snapshot.running_on("python-2") is None
        with pytest.raises(Conflict):
            await call(q.Interrupt(kernel="python-2"))
        await call(q.CancelExecution(both[0]))
        assert (await session.ended(both[0])).status == "cancelled"
        await call(q.RestartKernel(kernel="bash"))
        await session.until(lambda s: s.kernels["bash"].generation == 2)
        assert text(await session.run('echo "[$X]"', "bash")) == ["[]"]
        assert text(await session.run("print(x)")) == ["first"]
        # The default kernel runs what names none, and can be any.
        await call(q.SetDefaultKernel("bash"))
        assert text(await session.run("echo $BASH_VERSION"))[0].startswith(("4", "5"))
        assert session.snapshot.kernel.language == "bash"
        await call(q.SetDefaultKernel("python"))
        await session.until(lambda s: all(k.state == "idle" for k in s.kernels.values()))
        listed = (await host.call(q.ListSessions())).sessions[0].kernels
        assert [(k.name, k.state, k.is_default) for k in listed] == [
            ("python", "idle", True),
            ("python-2", "idle", False),
            ("bash", "idle", False),
        ]
        # One can go, but for the first and the default one.
        await call(q.RemoveKernel("python-2"))
        assert set(session.snapshot.kernels) == {"python", "bash"}
        assert text(await session.ended(ran[1])) == ["second"]
        for wrong in (q.RemoveKernel("python"), q.StartKernel("bash", spec="python3")):
            with pytest.raises(Conflict):
                await call(wrong)
        for unknown in (q.Interrupt(kernel="none"), q.SetDefaultKernel("none")):
            with pytest.raises(NotFound, match="python, bash"):
                await call(unknown)
        with pytest.raises(UsageError):
            await call(q.StartKernel("a\tb"))


@pytest.mark.parametrize("host", ["embedded"], indirect=True)
async def test_a_document_is_run_in_order_and_documents_side_by_side(
    host: HostClient, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    async with followed(host, tmp_path) as session:
        first = await session.submit(waiting_for(gate), "python", "a.py")
        second = await session.submit("echo after", "bash", "a.py")
        third = await session.submit("print('last')", "python", "a.py")
        other = await session.submit("echo beside", "", "b.sh", language="sh")
        prompt = await session.submit("echo prompt", "bash")
        assert text(await session.ended(other)) == ["beside"]
        assert text(await session.ended(prompt)) == ["prompt"]
        views = session.snapshot.executions
        assert [views[each].status for each in (first, second, third)] == [
            "running",
            "queued",
            "queued",
        ]
        gate.touch()
        await session.ended(third)
        assert [each for each in session.started if each in (first, second, third)] == [
            first,
            second,
            third,
        ]
        assert text(session.snapshot.executions[second]) == ["after"]
        # What fails skips the rest of its own document alone, on every kernel.
        gate.unlink()
        failing = await session.submit(f"{waiting_for(gate)}\n1/0", "python", "a.py")
        skipped = await session.submit("echo no", "bash", "a.py")
        kept = await session.submit("print('yes')", "python", "c.py")
        typed = await session.submit("print('typed')")
        gate.touch()
        assert (await session.ended(failing)).status == "error"
        assert (await session.ended(skipped)).reason.startswith("Skipped")
        assert text(await session.ended(kept)) == ["yes"]
        assert text(await session.ended(typed)) == ["typed"]


@pytest.mark.parametrize("host", ["embedded"], indirect=True)
async def test_a_kernel_that_dies_takes_only_its_own_executions_with_it(
    host: HostClient, tmp_path: Path
) -> None:
    async with followed(host, tmp_path, kernel="bash") as session:
        assert text(await session.run("echo first")) == ["first"]
        assert session.snapshot.default_kernel == "bash"
        gate = tmp_path / "gate"
        beside = await session.submit(waiting_for(gate), "python")
        await session.until(lambda s: s.executions[beside].count)
        dying = await session.submit("kill -9 $PPID", "bash", "a.sh")
        behind = await session.submit("print(1)", "python", "a.sh")
        assert (await session.ended(dying)).status == "lost"
        assert (await session.ended(behind)).status == "cancelled"
        assert session.snapshot.kernels["bash"].state == "dead"
        gate.touch()
        assert (await session.ended(beside)).status == "ok"
        wrong = await session.run("1", "no-such-kernel")
        assert wrong.status == "cancelled"
        assert session.snapshot.kernels["no-such-kernel"].state == "dead"
        await session.call(q.RemoveKernel("no-such-kernel"))
        # What is asked while a kernel is removed does not wait for it for ever.
        removing = asyncio.create_task(session.call(q.RemoveKernel("python")))
        await asyncio.sleep(0)
        for late in (q.StartKernel("python"), q.SetDefaultKernel("python")):
            with pytest.raises(Conflict, match="being removed"):
                await session.call(late)
        with pytest.raises(Conflict, match="being removed"):
            await session.submit("1", "python")
        await removing
        assert "python" not in session.snapshot.kernels
        assert (await session.run("1", "python")).status == "ok"
        assert text(await session.run("echo again")) == ["again"]
        assert session.snapshot.kernel.generation == 2


async def test_a_killed_server_leaves_every_kernel_to_the_next_one(tmp_path: Path) -> None:
    with user(JUPYTER_PATH=str(tmp_path / "jupyter")) as apart:
        gate = apart.folder / "gate"
        begun = apart.folder / "begun"
        bash_waits = f"touch {begun}; while [ ! -e {gate} ]; do sleep 0.02; done; echo over"
        printing = f"n = 0\n{waiting_for(gate)}; print(n, flush=True); n += 1"
        async with apart.client() as host, followed(host, apart.work) as session:
            await session.run("x = 'kept'", "python-2")
            prints = await session.submit(printing)
            first = await session.submit(bash_waits, "bash", "a.sh")
            second = await session.submit("print(x)", "python-2", "a.sh")
            await session.until(lambda s: s.executions[prints].total > 20)
            # A request that was sent is lost with the server unless the kernel has taken it.
            await wait_until(begun.exists, "bash to begin")
            before = {name: view.pid for name, view in session.snapshot.kernels.items()}
            assert set(before) == {"python", "python-2", "bash"}
            server = apart.pid
            assert server is not None
            os.kill(server, signal.SIGKILL)
            await session.until(lambda _: session.adopted == set(before))
            assert session.snapshot.executions[second].status == "queued"
            gate.touch()
            for each, words in ((first, "over"), (second, "kept")):
                view = await session.ended(each)
                assert (view.status, text(view)) == ("ok", [words])
            assert (await session.ended(prints)).status == "ok"
            total = session.snapshot.executions[prints].total
            rows = (await session.session.call(q.ReadRows(prints, 0, 5000))).runs
            assert [row.text for row in iter_rows(rows)] == [str(n) for n in range(total)]
            after = session.snapshot.kernels
            assert {name: view.pid for name, view in after.items()} == before
            assert {view.generation for view in after.values()} == {1}
            await session.call(q.RestartKernel(kernel="bash"))
            await session.until(lambda s: s.kernels["bash"].generation == 2)
            await session.call(q.ShutDownKernel(kernel="python-2"))
            assert session.snapshot.kernels["python-2"].state == "stopped"
            assert text(await session.run("echo on", "bash")) == ["on"]
            await host.call(q.StopHost(sessions=True))
        await wait_until(lambda: not apart.processes(), "all processes to end")
