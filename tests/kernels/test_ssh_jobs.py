"""Kernels in jobs of a real Slurm, on a machine that a real sshd lets us in to: its words, the time
left, a job that waits and is given up, and nothing left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codeexec.domain import requests as q
from codeexec.kernels.backends import RemoteTarget
from codeexec.kernels.factory import Kernels
from codeexec.session.host import Host
from codeexec.session.settings import HostSettings
from support.kernelspecs import BASH, install
from support.programs import run_piped
from support.servers import DEADLINE, short_folder, user, wait_for, wait_until
from support.sessions import open_session, run, submit, text, until
from support.slurm import Slurm, slurm_there
from support.ssh_server import SshServer, ssh_server
from support.tty import Tty

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with short_folder() as folder, slurm_there(folder) as slurm:
        yield slurm


@pytest.fixture(scope="module")
def server(slurm: Slurm) -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        yield server


@pytest.fixture(autouse=True)
def command(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEEXEC_SSH", server.command)


def host_with(tmp_path: Path, slurm: Slurm, launch: str) -> Host:
    launch = f"SLURM_CONF={slurm.config} {launch}"
    kernels = Kernels(remotes=lambda: [RemoteTarget("bare", "", launch=launch)])
    return Host(tmp_path / "state", kernels, settings=HostSettings(watch_files=False))


@pytest.mark.parametrize("python", ["", f"#{sys.executable}"], ids=["runner", "ipykernel"])
async def test_a_kernel_runs_in_a_job_and_ends_with_the_session(
    python: str, server: SshServer, slurm: Slurm, tmp_path: Path
) -> None:
    host = host_with(tmp_path, slurm, "srun --time=1:00:00 {command}")
    await host.start()
    try:
        session = await open_session(host, tmp_path, kernel=f"ssh:bare:work{python}")
        view = await run(session, "import os; print(os.environ['SLURM_JOB_ID'], os.getcwd())")
        [state_and_number] = slurm.jobs()
        number = state_and_number.rpartition(" ")[2]
        folder = str(server.folder / "bare-home" / "work")
        assert await text(session, view) == [f"{number} {folder}"]
        kernel = session.snapshot.kernel
        assert f"runs in job {number}" in kernel.notices[0]
        assert 3400 < kernel.ends_at - time.time() <= 3600
        # Binary output and many lines come whole through srun.
        view = await run(session, "for i in range(3000): print('line', i)")
        assert await text(session, view) == [f"line {i}" for i in range(3000)]
        await session.call(q.RestartKernel())
        view = await run(session, "print(os.environ['SLURM_JOB_ID'] if 'os' in dir() else 'new')")
        assert await text(session, view) == ["new"]
        for line in psutil.Process().children():
            if line.name() == "ssh":
                line.kill()  # the line is cut, and comes back to the same job
        view = await run(session, "print('back')")
        assert await text(session, view) == ["back"]
        assert slurm.jobs() == [state_and_number]
        await host.call(q.StopSession(session.session_id))
        await wait_until(lambda: not slurm.jobs(), "the end of the job")
    finally:
        await host.close(leave_kernels=False)
    await wait_until(lambda: not server.left(), "the end of all there")


@pytest.mark.parametrize(
    ("kernel", "lines"),
    [
        (sys.executable, ("kept = 'as before'", "print(kept)", "import os; os._exit(7)")),
        ("shell", ("kept='as before'", "echo $kept", "kill -9 $PPID")),
    ],
    ids=["ipykernel", "kernelspec"],
)
async def test_the_next_session_server_goes_on_in_the_same_job(
    kernel: str, lines: tuple[str, str, str], server: SshServer, slurm: Slurm, tmp_path: Path
) -> None:
    jupyter = server.folder / "bare-home" / ".local" / "share" / "jupyter"
    install(jupyter, "shell", BASH, display_name="Bash", language="bash")
    keep, show, die = lines
    launch = "srun --time=1:00:00 {command}"
    host = host_with(tmp_path, slurm, launch)
    await host.start()
    try:
        session = await open_session(host, tmp_path, kernel=f"ssh:bare:work#{kernel}")
        await run(session, keep)
        jobs = slurm.jobs()
    finally:
        await host.close(leave_kernels=True)
    assert slurm.jobs() == jobs
    host = host_with(tmp_path, slurm, launch)
    await host.start()
    try:
        session = host.session(session.session_id)
        view = await run(session, show)
        assert await text(session, view) == ["as before"]
        adopted = session.snapshot.kernel
        assert f"runs in job {jobs[0].rpartition(' ')[2]}" in adopted.notices[0]
        assert 3400 < adopted.ends_at - time.time() <= 3600
        view = await run(session, die)
        assert view.status == "lost"
        assert ("SIGKILL" if kernel == "shell" else "7") in str(view.reason)
        assert slurm.jobs() == jobs
        await host.call(q.StopSession(session.session_id))
        await wait_until(lambda: not slurm.jobs(), "the end of the job")
    finally:
        await host.close(leave_kernels=False)
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_a_job_that_waits_says_so_and_is_cancelled_when_it_is_given_up(
    server: SshServer, slurm: Slurm, tmp_path: Path
) -> None:
    host = host_with(tmp_path, slurm, "srun --time=1:00:00 {command}")
    await host.start()
    try:
        first = await open_session(host, tmp_path, kernel="ssh:bare:work")
        assert (await run(first, "1")).status == "ok"
        second = await open_session(host, tmp_path, kernel="ssh:bare:work")
        said = "queued and waiting for resources"
        snapshot = await until(
            second, lambda now: now.kernel.start and said in now.kernel.start.step
        )
        assert snapshot.kernel.start is not None
        assert snapshot.kernel.start.step.startswith("srun: job ")
        assert len(slurm.jobs()) == 2
        await second.call(q.Interrupt())
        await until(second, lambda now: now.kernel.state == "stopped")
        await wait_until(lambda: len(slurm.jobs()) == 1, "the end of the job that waits")
        assert (await run(first, "1")).status == "ok"
        # A session that is stopped meanwhile leaves no job either.
        await submit(second, "1")
        await wait_until(lambda: len(slurm.jobs()) == 2, "another job")
        await host.call(q.StopSession(second.session_id))
        await wait_until(lambda: len(slurm.jobs()) == 1, "the end of the job that waits")
    finally:
        await host.close(leave_kernels=False)
    await wait_until(lambda: not slurm.jobs(), "the end of all jobs")
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_a_job_that_is_refused_or_cancelled_says_why_in_the_words_of_slurm(
    server: SshServer, slurm: Slurm, tmp_path: Path
) -> None:
    host = host_with(tmp_path, slurm, "srun --partition=nowhere --time=1:00 {command}")
    await host.start()
    try:
        session = await open_session(host, tmp_path, kernel="ssh:bare:work")
        snapshot = await until(session, lambda now: now.kernel.death)
        assert snapshot.kernel.death is not None
        assert "The job on bare has ended: srun: error: " in snapshot.kernel.death.message
        assert "invalid partition" in snapshot.kernel.death.message.lower()
    finally:
        await host.close(leave_kernels=False)
    host = host_with(tmp_path / "other", slurm, "srun --time=1:00:00 {command}")
    await host.start()
    try:
        session = await open_session(host, tmp_path, kernel="ssh:bare:work")
        sleeping = await submit(session, "print('begun', flush=True); import time; time.sleep(600)")
        await until(session, lambda now: now.executions[sleeping].total)
        [job] = slurm.jobs()
        slurm.ask("scancel", job.rpartition(" ")[2])
        snapshot = await until(session, lambda now: now.kernel.death)
        assert snapshot.kernel.death is not None
        assert "The job on bare has ended: " in snapshot.kernel.death.message
        assert "srun: " in snapshot.kernel.death.message
        view = await run(session, "print('in a new job')")
        assert await text(session, view) == ["in a new job"]
        assert slurm.jobs() != [job]
    finally:
        await host.close(leave_kernels=False)
    await wait_until(lambda: not slurm.jobs(), "the end of all jobs")
    await wait_until(lambda: not server.left(), "the end of all there")


def test_a_run_and_the_workbench_take_the_job_from_the_settings(
    server: SshServer, slurm: Slurm
) -> None:
    with user() as near:
        env = {**near.environ, "CODEEXEC_SSH": server.command}
        settings = Path(near.environ["XDG_CONFIG_HOME"], "codeexec-tui", "config.toml")
        settings.parent.mkdir(parents=True)
        launch = f"SLURM_CONF={slurm.config} srun --time=1:00:00 {{command}}"
        settings.write_text(f'[remote.bare]\nlaunch = "{launch}"\n')
        (near.work / "far.py").write_text("import os; print('job', os.environ['SLURM_JOB_ID'])\n")
        words = ("run", "--ssh", "bare:work", "far.py")
        done = run_piped(*words, home=near.folder, cwd=near.work, env=env)
        assert done.stdout.startswith("job "), done.stderr
        assert "Kernels on bare run in a job, as [remote.bare] says." in done.stderr
        wait_for(lambda: not slurm.jobs(), "the end of the job")
        with Tty(("--ssh", "bare:work"), home=near.folder, cwd=near.work, env=env) as tty:
            tty.shows("idle  Python on bare", deadline=DEADLINE)
            tty.shows(" 59 min left", deadline=DEADLINE)
            tty.press("\x11")
            assert tty.ends(DEADLINE) == 0
        stopped = run_piped("sessions", "stop", "work", home=near.folder, cwd=near.work, env=env)
        assert stopped.returncode == 0
        wait_for(lambda: not slurm.jobs(), "the end of the job")
