"""Memory, cores and disk of sessions of the service, outside of containers, while code runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codeexec.domain.events import NoticeGiven
from codeexec.server.access import usage_meter
from codeexec.server.access.user_limits import UserLimits
from codeexec.session.resources import watch
from codeexec.session.session import Session
from codeexec.session.settings import HostSettings
from support.jwt_users import finished, serving, token, web
from support.servers import poll, wait_until

MIB = 2**20

GROWING = """
import time
taken = []
while True:
    taken.append(b"x" * (8 << 20))
    time.sleep(0.02)
"""

GROWING_ON = """
import time
taken = []
try:
    while True:
        taken.append(b"x" * (8 << 20))
        time.sleep(0.02)
finally:
    taken.append(b"x" * (64 << 20))
"""
"""Far over the limit also once it was interrupted."""

STUBBORN = """
while True:
    try:
        taken = b"x" * (600 << 20)
        while True: pass
    except KeyboardInterrupt:
        pass
"""


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAUSE", 0.05)
    monkeypatch.setattr(watch, "SHORT_PAUSE", 0.05)
    monkeypatch.setattr(watch, "DISK_PAUSE", 0.2)
    monkeypatch.setattr(usage_meter, "FRESH_SECONDS", 0.1)


def notices(session: Session) -> list[str]:
    records = session.recorder.journal.read(0, 100_000, "tail")
    return [r.event.message for r in records if isinstance(r.event, NoticeGiven)]


@pytest.mark.slow
async def test_a_run_that_takes_too_much_memory_is_interrupted_and_its_kernel_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # However slow the machine is, the interrupt comes first.
    monkeypatch.setattr(watch, "GRACE", 1000.0)
    monkeypatch.setattr(watch, "EXCESS", 1000.0)
    settings = HostSettings(session_memory=200 * MIB)
    async with serving(settings=settings) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        submission = {"id": kernel, "code": GROWING_ON}
        execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
        status = await finished(anna, execution)
        assert status["status"] == "FAILED"
        session = here.host.session(kernel)
        view = session.recorder.find(execution)
        assert view is not None
        assert view.status == "cancelled"
        assert "SESSION_MAX_MEMORY allows 200 MiB" in view.reason
        # The list is still there, so the kernel has to go.
        monkeypatch.setattr(watch, "GRACE", 0.0)
        await wait_until(lambda: notices(session), "the notice")
        assert "the kernel python had to be ended" in notices(session)[0]
        again = {"id": kernel, "code": "'taken' in globals()"}
        execution = (await anna.post("/execute_code", json=again)).json()["execution_id"]
        assert (await finished(anna, execution))["output"]["result"] == "False"


@pytest.mark.slow
async def test_a_run_that_keeps_its_memory_is_ended_by_force() -> None:
    settings = HostSettings(session_memory=300 * MIB)
    async with serving(settings=settings) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        submission = {"id": kernel, "code": STUBBORN}
        execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
        status = await finished(anna, execution)
        assert status["status"] == "FAILED"
        assert "SESSION_MAX_MEMORY" in status["error"]
        assert "The kernel had to be ended" in status["error"]


@pytest.mark.slow
async def test_memory_that_nobody_runs_code_for_is_freed_too() -> None:
    """A program in the background that has left the tree of its kernel."""
    settings = HostSettings(session_memory=300 * MIB)
    code = "x = b'x' * (600 << 20); import time; time.sleep(1000)"
    daemon = f'setsid -f python3 -c "{code}"'
    async with serving(settings=settings) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        session = here.host.session(kernel)
        submission = {"id": kernel, "code": f"import os; os.system({daemon!r})"}
        execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
        assert (await finished(anna, execution))["status"] == "COMPLETED"
        await wait_until(lambda: bool(notices(session)), "the notice")
        assert "programs in the background had to be ended" in notices(session)[0]
        assert session.slots.default.supervisor.kernel is not None
        opened = await anna.post(
            f"/v1/sessions/{kernel}/terminals", json={"argv": ["python3", "-c", code]}
        )
        terminal = opened.json()["terminal"]["terminal_id"]
        await wait_until(
            lambda: session.snapshot.terminals[terminal].state == "exited", "the end of the program"
        )
        await wait_until(lambda: len(notices(session)) == 2, "the second notice")
        assert "programs of a terminal had to be ended" in notices(session)[1]


@pytest.mark.slow
async def test_all_sessions_of_a_user_have_a_limit_together_while_they_run() -> None:
    async with serving(UserLimits(memory=300 * MIB)) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        submission = {"id": kernel, "code": GROWING}
        execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
        assert (await finished(anna, execution))["status"] == "FAILED"
        view = here.host.session(kernel).recorder.find(execution)
        assert view is not None
        assert "USER_MAX_MEMORY allows 300 MiB" in view.reason


@pytest.mark.slow
async def test_a_run_that_fills_the_disk_is_interrupted() -> None:
    code = """
import time
with open("filled", "wb") as file:
    while True:
        file.write(b"x" * 1_000_000)
        file.flush()
        time.sleep(0.02)
"""
    async with serving(UserLimits(disk=20_000_000)) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]
        submission = {"id": kernel, "code": code}
        execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
        assert (await finished(anna, execution))["status"] == "FAILED"
        view = here.host.session(kernel).recorder.find(execution)
        assert view is not None
        assert "20,000,000 bytes (USER_MAX_DISK)" in view.reason


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system keeps no such list")
async def test_processes_of_a_session_run_on_so_many_cores() -> None:
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        pytest.skip("one core has nothing to divide")
    settings = HostSettings(session_cpus=0.5)
    async with serving(settings=settings) as here, web(here, token("anna")) as anna:
        kernel = (await anna.post("/start_kernel")).json()["id"]

        async def count() -> str:
            code = "import os, subprocess; os.system('true'); len(os.sched_getaffinity(0))"
            submission = {"id": kernel, "code": code}
            execution = (await anna.post("/execute_code", json=submission)).json()["execution_id"]
            return str((await finished(anna, execution))["output"]["result"])

        await poll(count, lambda number: number == "1", "the kernel to be on one core")
    assert len(os.sched_getaffinity(0)) == cores


async def test_a_session_of_the_private_socket_has_no_such_limit(tmp_path: Path) -> None:
    """Its user is at the machine, and the limits are those of the service."""
    settings = HostSettings(session_memory=1)
    async with serving(settings=settings) as here, here.client() as host:
        from codeexec.domain import requests as q

        opened = await host.call(q.OpenSession(cwd=str(tmp_path)))
        session = here.host.session(opened.session_id)
        await wait_until(lambda: session.slots.default.supervisor.is_ready, "the kernel")
        for _ in range(3):
            assert await here.host.resources.look() == watch.PAUSE
        assert session.slots.default.supervisor.is_ready
