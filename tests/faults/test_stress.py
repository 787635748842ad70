"""Everything at once for a while, by a fixed chance: what must hold, holds afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import CodeexecError
from codeexec.domain.events import Recorded
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.invariants import check_journal
from support.kernel_cases import no_orphans
from support.sessions import open_host, open_session, run, submit, text

pytestmark = pytest.mark.slow

SECONDS = 20.0
LEAST_ASKED = 50
"""Executions; on a busy machine these take longer than SECONDS."""

CODES = (
    "1 + 1",
    "for i in range(300): print('line', i)",
    "1 / 0",
    "import time\nwhile True:\n    print('on', flush=True)\n    time.sleep(0.002)",
    "import time\ntime.sleep(0.05)",
    "input('who? ')",
    "import os; os._exit(3)",
    "import subprocess; subprocess.Popen(['sleep', '60'])",
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
    "from IPython.display import display\ndisplay('shown', display_id='d')",
)


class Storm:
    """Does one thing after another to a session, by chance; refusals are part of it."""

    def __init__(self, session: Session, chance: random.Random) -> None:
        self.session = session
        self.chance = chance
        self.asked: set[str] = set()
        self._pending: set[asyncio.Task[None]] = set()
        self._deeds: tuple[tuple[int, Callable[[], Awaitable[object]]], ...] = (
            (40, self._execute),
            (15, lambda: session.call(q.Interrupt())),
            (3, lambda: session.call(q.RestartKernel())),
            (2, lambda: session.call(q.ShutDownKernel())),
            (4, self._kill),
            (8, self._cancel),
            (3, lambda: session.call(q.ClearQueue())),
            (5, lambda: session.call(q.Complete("impo", 4))),
            (8, lambda: session.call(q.RefreshVariables())),
            (10, self._answer),
            (2, lambda: session.call(q.GetUsage())),
        )

    async def rage(self, seconds: float) -> None:
        """Some deeds wait for their end, others run on beside the next."""
        end = time.monotonic() + seconds
        weights = [weight for weight, _ in self._deeds]
        while time.monotonic() < end or len(self.asked) <= LEAST_ASKED:
            ((_, deed),) = self.chance.choices(self._deeds, weights)
            task = asyncio.create_task(self._do(deed))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)
            await asyncio.sleep(self.chance.choice((0, 0, 0.001, 0.02, 0.1)))
        async with asyncio.timeout(90):
            await asyncio.gather(*self._pending)

    async def _do(self, deed: Callable[[], Awaitable[object]]) -> None:
        with contextlib.suppress(CodeexecError):
            await deed()

    async def _execute(self) -> None:
        if len(self.session.snapshot.queue) < 5:
            timeout = self.chance.choice((None, 0.2, 1.0))
            stop = self.chance.random() < 0.5
            code = self.chance.choice(CODES)
            self.asked.add(await submit(self.session, code, timeout=timeout, stop_on_error=stop))

    async def _kill(self) -> None:
        kernel = self.session.slots.default.supervisor.kernel
        if kernel is not None and kernel.pid is not None and kernel.is_alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(kernel.pid, signal.SIGKILL)

    async def _cancel(self) -> None:
        known = [view.execution_id for view in self.session.snapshot.queue]
        running = self.session.snapshot.running
        if running is not None:
            known.append(running.execution_id)
        if known:
            await self.session.call(q.CancelExecution(self.chance.choice(known)))

    async def _answer(self) -> None:
        running = self.session.snapshot.running
        if running is not None and running.stdin is not None:
            await self.session.call(q.AnswerStdin(running.stdin.request_id, "me"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 20])
async def test_a_storm_leaves_everything_in_order(tmp_path: Path, seed: int) -> None:
    settings = HostSettings(
        ladder="auto",
        ladder_grace=(0.2, 0.2, 0.5),
        restart_dead_kernel=seed % 2 == 0,
        collect_files=False,
    )
    with no_orphans():
        async with open_host(tmp_path / "state", settings) as host:
            session = await open_session(host, tmp_path)
            heard: list[Recorded] = []

            async def listen() -> None:
                async for batch in session.events(0, "full"):
                    heard.extend(batch)

            listening = asyncio.create_task(listen())
            storm = Storm(session, random.Random(seed))
            await storm.rage(SECONDS)
            await session.call(q.ClearQueue())
            with contextlib.suppress(CodeexecError):
                await session.call(q.RestartKernel())
            assert await text(session, await run(session, "print('calm')")) == ["calm"]
            assert len(storm.asked) > LEAST_ASKED
            assert all(map(session.recorder.has, storm.asked))
            check_journal(session.folder, snapshot=session.snapshot)
            await host.call(q.StopSession(session.session_id))
            await asyncio.wait_for(listening, 90)
            assert check_journal(session.folder, heard=heard).seq == len(heard)
