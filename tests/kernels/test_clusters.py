"""Clusters of Dask and Ray that code connects to: what they do is told, beside the code, and ends
with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codeexec.domain.places.clusters import ClusterState
from codeexec.domain.snapshot import Snapshot
from support.jupyter_servers import VENV, program
from support.programs import Desk
from support.sessions import finished, open_host, open_session, run, submit, text, until

PACKAGES = ("distributed==2026.8.0", "ray==2.60.0", "ipykernel==7.4.0")
CLUSTERS_VENV = VENV.with_name(".venv-clusters")

DASK = """
import time
from distributed import Client
client = Client(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
futures = client.map(lambda i: (time.sleep(0.1), i)[1], range(40))
print(sum(client.gather(futures)))
"""
RAY = """
import time, ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
@ray.remote
def slow(i):
    time.sleep(0.1)
    return i
kept = ray.put(b"x" * 10_000_000)
print(sum(ray.get([slow.remote(i) for i in range(40)])))
"""
FAR = """
import signal, subprocess, sys
from distributed import Client
command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
options = {"stderr": subprocess.PIPE, "text": True}
scheduler = subprocess.Popen([*command, "--host", "127.0.0.1"], **options)
for line in scheduler.stderr:
    if "Scheduler at:" in line:
        break
client = Client(line.split()[-1], timeout=60)
print("connected")
"""

STATE = re.compile(r"Dask (\d+)/40 tasks · \d+ worker")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def python() -> str:
    return program("python", CLUSTERS_VENV, PACKAGES)


def seen(snapshot: Snapshot) -> ClusterState:
    clusters = snapshot.kernel.clusters
    return clusters[0] if clusters else ClusterState("Dask")


@pytest.mark.parametrize(
    ("code", "library", "end"),
    [(DASK, "Dask", "client.close()"), (RAY, "Ray", "ray.shutdown()")],
    ids=["dask", "ray"],
)
async def test_tasks_workers_and_memory_are_told_while_code_runs(
    code: str, library: str, end: str, python: str, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=python)
        execution_id = await submit(session, code)
        snapshot = await until(session, lambda now: 0 < seen(now).done < seen(now).total)
        assert snapshot.executions[execution_id].is_open
        cluster = seen(snapshot)
        assert (cluster.library, cluster.total) == (library, 40)
        assert cluster.workers >= 1
        assert cluster.memory > 1_000_000
        view = await finished(session, execution_id)
        assert await text(session, view) == [str(sum(range(40)))]  # nothing of ours in the output
        await until(session, lambda now: seen(now).done == 40)
        view = await run(session, end)
        assert view.status == "ok"
        await until(session, lambda now: not now.kernel.clusters)


def test_a_run_of_cells_shows_a_live_line_on_a_terminal_and_its_last_state_on_a_pipe(
    python: str, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    desk = Desk(tmp_path, tmp_path / "home")
    desk.file("cells.py", f"# %%\n{DASK}\ntime.sleep(2)\n# %%\nclient.close()\n")
    with desk.terminal("run", "--cells", "--kernel", python, "cells.py") as terminal:
        assert terminal.ends() == 0
        assert terminal.text == str(sum(range(40)))  # the line has gone
        lines = [line for line in terminal.raw.decode().split("\r") if STATE.search(line)]
    states = STATE.findall("".join(lines))
    assert len(set(states)) > 1
    assert states[-1] == "40"
    assert all("1/2" in line for line in lines)
    done = desk.run("run", "--cells", "--kernel", python, "cells.py")
    assert (done.returncode, done.stdout) == (0, f"{sum(range(40))}\n")
    [line] = [line for line in done.stderr.splitlines() if "Dask" in line]
    assert STATE.findall(line) == ["40"]


async def test_a_scheduler_that_hangs_holds_up_nothing(python: str, tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=python)
        view = await run(session, FAR)
        assert await text(session, view) == ["connected"]
        await until(session, lambda now: now.kernel.clusters)
        await run(session, "scheduler.send_signal(signal.SIGSTOP)")
        await until(session, lambda now: seen(now).is_silent)
        view = await run(session, "print(6 * 7)")
        assert await text(session, view) == ["42"]
        await run(session, "scheduler.send_signal(signal.SIGCONT)")
        await until(session, lambda now: now.kernel.clusters and not seen(now).is_silent)
        await run(session, "client.close(); scheduler.terminate()")
        await until(session, lambda now: not now.kernel.clusters)


async def test_without_such_a_library_there_is_nothing(python: str, tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=python)
        code = (
            "import sys, threading\n"
            "print([name for name in ('distributed', 'ray', 'asyncio.x') if name in sys.modules])\n"
            "print([each.name for each in threading.enumerate() if each.name == 'clusters'])\n"
        )
        view = await run(session, code)
        assert await text(session, view) == ["[]", "[]"]
        assert not session.snapshot.kernel.clusters
