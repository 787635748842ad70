"""Starts of kernels that fail, and kernels that die: what is tried again, and after how long."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from codeexec.client.embedded import EmbeddedHost
from codeexec.domain import requests as q
from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.events import AnyEvent, ExecutionFinished, KernelDied, KernelReady, NoticeGiven
from codeexec.kernels.base import Kernel, KernelChoice
from codeexec.kernels.factory import Kernels
from codeexec.session.host import Host
from codeexec.session.kernels import supervisor
from codeexec.session.kernels.start_backoff import MOST_STARTS, STEADY, StartBackoff, may_pass
from codeexec.session.settings import HostSettings
from support.sessions import until

DEADLINE = 90.0
PASSING = OSError(errno.EAGAIN, "no more processes")


def test_pauses_double_up_to_the_limit_and_end() -> None:
    backoff = StartBackoff(30.0)
    pauses = [backoff.pause_after_failure(PASSING) for _ in range(MOST_STARTS)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, None]
    assert backoff.pause_after_failure(PASSING) == 1.0
    backoff.note_ready()
    assert backoff.pause_after_failure(PASSING) == 1.0
    assert StartBackoff(0.0).pause_after_failure(PASSING) is None
    assert backoff.pause_after_failure(KernelUnavailable("no ipykernel")) is None


@pytest.mark.parametrize(
    ("code", "passes"),
    [(errno.ENOMEM, True), (errno.EMFILE, True), (errno.ENOENT, False), (errno.EACCES, False)],
)
def test_causes_of_other_errors_count(code: int, passes: bool) -> None:
    error = KernelUnavailable("it could not be started")
    error.__cause__ = OSError(code, "why")
    assert may_pass(error) is passes


def test_three_deaths_in_a_row_are_the_last() -> None:
    backoff = StartBackoff(30.0)
    assert [backoff.pause_after_death(1.0) for _ in range(3)] == [1.0, 2.0, None]
    assert backoff.pause_after_death(1.0) == 1.0
    assert backoff.pause_after_death(STEADY + 1) == 1.0
    assert backoff.pause_after_death(1.0) == 2.0
    backoff.note_use()
    assert backoff.pause_after_death(1.0) == 1.0


class Failing(Kernels):
    """Kernels whose first starts fail as on a machine without free processes."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def create(self, choice: KernelChoice, on_event: Callable[..., None]) -> Kernel:
        if self.failures:
            self.failures -= 1
            raise PASSING
        return super().create(choice, on_event)


async def events_until(
    host: EmbeddedHost, session_id: str, is_last: Callable[[list[AnyEvent]], bool]
) -> list[AnyEvent]:
    events: list[AnyEvent] = []
    session = host.session(session_id)
    async with asyncio.timeout(DEADLINE):
        async for batch in session.events():
            events += [record.event for record in batch]
            if is_last(events):
                return events
    raise AssertionError("the events ended")


async def test_a_start_is_tried_again_and_its_executions_wait(tmp_path: Path) -> None:
    settings = HostSettings(start_backoff=0.01)
    async with EmbeddedHost(tmp_path / "state", Failing(2), settings=settings) as host:
        opened = await host.call(q.OpenSession(str(tmp_path), start_kernel=False))
        session = host.session(opened.session_id)
        await session.call(q.Execute("6 * 7"))
        events = await events_until(
            host, opened.session_id, lambda events: isinstance(events[-1], ExecutionFinished)
        )
    assert [event.status for event in events if isinstance(event, ExecutionFinished)] == ["ok"]
    notices = [event.title for event in events if isinstance(event, NoticeGiven)]
    assert len([title for title in notices if "tried again" in title]) == 2
    assert not any(isinstance(event, KernelDied) for event in events)


async def test_a_server_that_ends_does_not_wait_for_the_next_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "DETACH_WAIT", 3600.0)
    host = Host(tmp_path / "state", Failing(99), settings=HostSettings(start_backoff=3600.0))
    await host.start()
    opened = await host.call(q.OpenSession(str(tmp_path)))
    session = host.session(opened.session_id)
    await until(session, lambda now: any("tried again" in n.title for n in now.notices))
    async with asyncio.timeout(50):  # the kernel is given up after 63 s
        await host.close(leave_kernels=True)


def has_started(times: int, events: list[AnyEvent]) -> bool:
    return len([event for event in events if isinstance(event, KernelReady)]) >= times


@pytest.mark.slow
async def test_a_kernel_that_dies_again_and_again_is_left_down(tmp_path: Path) -> None:
    settings = HostSettings(start_backoff=0.01, restart_dead_kernel=True)

    def is_left_down(events: list[AnyEvent]) -> bool:
        last = events[-1]
        return isinstance(last, NoticeGiven) and "not started again" in last.title

    async with EmbeddedHost(tmp_path / "state", Kernels(), settings=settings) as host:
        opened = await host.call(q.OpenSession(str(tmp_path)))
        session = host.session(opened.session_id)
        for number in range(1, 4):
            await events_until(host, opened.session_id, partial(has_started, number))
            await session.call(q.Execute(f"import os; os._exit(3)  # {number}"))
        events = await events_until(host, opened.session_id, is_left_down)
    finished = [event for event in events if isinstance(event, ExecutionFinished)]
    assert [event.status for event in finished] == ["lost"] * 3
    assert has_started(3, events)
    assert not has_started(4, events)
