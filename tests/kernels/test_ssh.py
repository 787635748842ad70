"""Kernels on a machine that ssh reaches, without codeexec-tui there: a real sshd, lines that are
cut, and nothing left."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from codeexec.domain import requests as q
from codeexec.domain.errors import UsageError
from codeexec.domain.snapshot import Snapshot
from codeexec.environments.ssh import resumable
from codeexec.kernels.ssh import life
from codeexec.kernels.ssh.backend import SshBackend
from codeexec.session.session import Session
from support.kernelspecs import BASH, install
from support.servers import short_folder, wait_until
from support.sessions import finished, open_host, open_session, rows, run, submit, text, until
from support.ssh_server import SshServer, ssh_server

LINES = 10_000
FLOOD = f"""
import time
for i in range({LINES}):
    print('line', i, flush=True)
    if i % 200 == 0:
        time.sleep(0.02)
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with short_folder() as folder, ssh_server(folder) as server:
        (folder / "bare-home" / "work").mkdir(parents=True)
        server.add_host("shut", Port=9)
        yield server


@pytest.fixture(autouse=True)
def command(server: SshServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEEXEC_SSH", server.command)


@pytest.fixture(params=["ipykernel", "runner"])
def kernel(request: pytest.FixtureRequest) -> str:
    return "ssh:bare:work" + (f"#{sys.executable}" if request.param == "ipykernel" else "")


def work(server: SshServer) -> Path:
    return server.folder / "bare-home" / "work"


def lines() -> list[psutil.Process]:
    """Of this process to other machines."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.name() == "ssh" and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


async def cut_line() -> None:
    """Kill the line, which may be about to come back after the cut before."""
    await wait_until(lambda: lines(), "a line")
    for line in lines():
        line.kill()


async def test_code_runs_there_and_its_files_are_there(
    server: SshServer, kernel: str, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=kernel)
        view = await run(session, "import os; print(os.getcwd()); print(1 + 1)")
        assert await text(session, view) == [str(work(server)), "2"], view
        (work(server) / "there.py").write_text("print('a file of', __name__)\n")
        view = await run(session, "%run there.py")
        assert await text(session, view) == ["a file of __main__"]
        await session.call(q.WriteFile("sent/notes.txt", b"of the session"))
        view = await run(session, "print(open('sent/notes.txt').read())")
        assert await text(session, view) == ["of the session"]
        asked = await submit(session, "print('it is', input('name? '))")
        waiting = await until(session, lambda s: s.executions[asked].stdin is not None)
        question = waiting.executions[asked].stdin
        assert question is not None
        await session.call(q.AnswerStdin(question.request_id, "Ada"))
        view = await finished(session, asked)
        assert (await text(session, view))[-1:] == ["it is Ada"]
        sleeping = await submit(session, "print('begun', flush=True)\nimport time; time.sleep(600)")
        await until(session, lambda s: s.executions[sleeping].total > 0)
        await session.call(q.Interrupt())
        view = await finished(session, sleeping)
        assert view.error is not None
        assert view.error.name == "KeyboardInterrupt"
        await run(session, "kept = 1; import subprocess; subprocess.Popen(['sleep', '1000'])")
        await session.call(q.RestartKernel())
        view = await run(session, "print('kept' in globals())")
        assert await text(session, view) == ["False"]
        view = await run(session, "import os; os._exit(7)")
        assert "exited with code 7" in str(view.reason)
        view = await run(session, "print('again')")
        assert await text(session, view) == ["again"]
        folder = spool_folder(session)
        assert folder.is_dir()
    await wait_until(lambda: not server.left(), "the end of all there")
    assert not folder.exists()


def has_printed(execution: str, count: int, snapshot: Snapshot) -> bool:
    return snapshot.executions[execution].total > count


def spool_folder(session: Session) -> Path:
    kernel = session.slots.default.supervisor.kernel
    assert kernel is not None
    return Path(str(kernel.handle()["spool"]))


async def test_each_row_comes_once_through_a_line_that_is_cut_again_and_again(
    server: SshServer, kernel: str, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=kernel)
        await run(session, "1")
        flood = await submit(session, FLOOD)
        cuts, seen = 0, 0
        while cuts < 4:
            await until(session, partial(has_printed, flood, seen))
            await cut_line()
            cuts += 1
            seen = session.snapshot.executions[flood].total + LINES // 8
        view = await finished(session, flood)
        assert view.status == "ok"
        printed = [row.text for row in await rows(session, view) if row.text]
        assert printed == [f"line {i}" for i in range(LINES)]
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_a_long_cut_is_told_with_the_time_of_the_next_attempt(
    server: SshServer, kernel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=kernel)
        await run(session, "import pathlib; done = pathlib.Path('done'); done.unlink(True)")
        flood = await submit(session, FLOOD + "done.touch()\n")
        await until(session, lambda s: s.executions[flood].total > 500)
        monkeypatch.setattr(resumable, "PAUSES", (0.2, 1.0))
        monkeypatch.setenv("CODEEXEC_SSH", "false")  # a machine that is not reached
        await cut_line()
        told = await until(session, lambda s: s.kernel.line_cut is not None)
        cut = told.kernel.line_cut
        assert cut is not None
        assert cut.next_try > cut.since
        assert "bare" in cut.reason
        await wait_until((work(server) / "done").exists, "the end of the code there")
        await asyncio.sleep(6)  # questions to the kernel's outbox are given up meanwhile
        assert session.snapshot.executions[flood].is_open
        monkeypatch.setenv("CODEEXEC_SSH", server.command)
        await until(session, lambda s: s.kernel.line_cut is None)
        view = await finished(session, flood)
        printed = [row.text for row in await rows(session, view) if row.text]
        assert printed == [f"line {i}" for i in range(LINES)]
        view = await run(session, "print('as before', done.name)")
        assert await text(session, view) == ["as before done"]


async def test_a_session_that_is_stopped_while_the_line_is_cut_is_ended_there_later(
    server: SshServer, kernel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable, "PAUSES", (0.2, 1.0))
    monkeypatch.setattr(resumable, "END_WAIT", 0.5)
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel=kernel)
        await run(session, "1")
        monkeypatch.setenv("CODEEXEC_SSH", "false")
        await cut_line()
        await until(session, lambda s: s.kernel.line_cut is not None)
        await host.call(q.StopSession(session.snapshot.session_id))
        assert server.left()
        monkeypatch.setenv("CODEEXEC_SSH", server.command)
        await wait_until(lambda: not server.left(), "the end of all there")


async def test_what_ends_the_relay_ends_the_kernel_with_the_reason(
    server: SshServer, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:bare:work")
        sleeping = await submit(session, "print('begun', flush=True); import time; time.sleep(600)")
        await until(session, lambda s: s.executions[sleeping].total > 0)
        folder = spool_folder(session)
        [spool] = [each for each in server.left() if each.info["ppid"] == 1]
        spool.kill()
        view = await finished(session, sleeping)
        assert view.status == "lost"
        assert "What ran on bare has ended" in str(view.reason)
        assert not folder.exists()
        view = await run(session, "print('anew')")
        assert await text(session, view) == ["anew"]
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_the_next_session_server_ends_what_a_killed_one_has_left(
    server: SshServer,
) -> None:
    program = """
import asyncio, os, signal
from codeexec.domain.places.ssh import SshPlace
from codeexec.environments.ssh.environment import SshEnvironment

async def main():
    far = await SshEnvironment.create(SshPlace("bare", 0, "work"))
    await far.exec(["sleep", "1000"])
    print(far.own_folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    killed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await killed.communicate()
    folder = told.decode().strip()
    assert Path(folder).is_dir()
    await wait_until(lambda: any(each.info["name"] == "sleep" for each in server.left()), "sleep")
    backend = SshBackend()
    handle: dict[str, object] = {"life": "ssh", "place": "ssh://bare/~/work", "spool": folder}
    assert await backend.adopt(handle, lambda events: None, "") is None
    await backend.close()
    assert not Path(folder).exists()
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_a_session_goes_there_and_back(server: SshServer, tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path)
        (work(server) / "of_there.py").touch()
        await session.call(q.RestartKernel(spec="ssh:bare:work"))
        view = await run(session, "import os; print(os.getcwd())")
        assert await text(session, view) == [str(work(server))]
        listed = await session.call(q.ListFiles("", "*"))
        assert "of_there.py" in [entry.path for entry in listed.entries]
        await session.call(q.StartKernel("second", "ssh:bare:work"))
        view = await run(session, "print('of the same machine')", kernel="second")
        assert await text(session, view) == ["of the same machine"]
        await session.call(q.RestartKernel(spec=sys.executable))
        await session.call(q.RemoveKernel("second"))
        view = await run(session, "import os; print(os.getcwd())")
        assert await text(session, view) == [str(tmp_path)]
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_the_next_session_server_goes_on_with_ipykernel(
    server: SshServer, tmp_path: Path
) -> None:
    kernel = f"ssh:bare:work#{sys.executable}"
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path, kernel=kernel)
        await run(session, "import os; kept = 'as before'")
        flood = await submit(session, FLOOD)
        await until(session, partial(has_printed, flood, 500))
        folder = spool_folder(session)
        session_id = session.snapshot.session_id
    assert folder.is_dir()
    async with open_host(tmp_path / "state") as host:
        session = host.session(session_id)
        view = await finished(session, flood)
        assert view.status == "ok"
        printed = [row.text for row in await rows(session, view) if row.text]
        assert printed == [f"line {i}" for i in range(LINES)]
        view = await run(session, "print(kept, os.getcwd())")
        assert await text(session, view) == [f"as before {work(server)}"]
        assert spool_folder(session) == folder
        sleeping = await submit(session, "print('begun', flush=True)\nimport time; time.sleep(600)")
        await until(session, partial(has_printed, sleeping, 0))
        await session.call(q.Interrupt())
        view = await finished(session, sleeping)
        assert view.error is not None
        assert view.error.name == "KeyboardInterrupt"
        view = await run(session, "os._exit(7)")
        assert view.status == "lost"
        view = await run(session, "print('kept' in globals())")
        assert await text(session, view) == ["False"]
    await wait_until(lambda: not server.left(), "the end of all there")
    assert not folder.exists()


SLOW_LINES = "for i in $(seq 0 2999); do echo line $i; [ $((i % 50)) = 0 ] && sleep 0.02; done"
"""bash_kernel reads each line by itself."""


@pytest.fixture
def bash(server: SshServer) -> str:
    """A kernelspec there, whose kernel keeps nothing of what it says."""
    jupyter = server.folder / "bare-home" / ".local" / "share" / "jupyter"
    install(jupyter, "shell", BASH, display_name="Bash", language="bash")
    install(jupyter, "broken", ["no-such-program", "{connection_file}"])
    install(jupyter, "python3", [sys.executable, "-m", "ipykernel_launcher", "-f"])
    return "ssh:bare:work#shell"


async def test_a_kernel_of_another_language_runs_there(
    server: SshServer, bash: str, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state", leave_kernels=True) as host:
        session = await open_session(host, tmp_path, kernel=bash)
        view = await run(session, "kept=before; pwd")
        assert await text(session, view) == [str(work(server))], view
        assert session.snapshot.kernel.language == "bash"
        near = (await host.call(q.ListKernels())).kernels
        assert not [each for each in near if each.name.startswith("ssh:")]
        listed = (await host.call(q.ListKernels("", session.session_id))).kernels
        far = {each.name: each for each in listed if each.name.startswith("ssh:bare:work")}
        assert far["ssh:bare:work"].display_name == "Python on bare"
        assert (far[bash].display_name, far[bash].language) == ("Bash on bare", "bash")
        assert far["ssh:bare:work#broken"].problem == "The program of broken is not there."
        # A kernelspec with the name of an interpreter stands for the one that it starts.
        assert f"ssh:bare:work#{sys.executable}" in far
        flood = await submit(session, SLOW_LINES)
        for count in (300, 1000):
            await until(session, partial(has_printed, flood, count))
            await cut_line()
        view = await finished(session, flood)
        printed = [row.text for row in await rows(session, view) if row.text]
        assert printed == [f"line {i}" for i in range(3000)]
        sleeping = await submit(session, "echo begun; sleep 600")
        await until(session, partial(has_printed, sleeping, 0))
        await session.call(q.Interrupt())
        assert (await finished(session, sleeping)).status == "cancelled"
        await session.call(q.RestartKernel())
        view = await run(session, "echo kept is $kept.")
        assert await text(session, view) == ["kept is ."]
        view = await run(session, "kept=again")
        lasting = await submit(session, "until [ -e go ]; do sleep 0.1; done; echo the last line")
        await until(session, lambda s: s.executions[lasting].status == "running")
        session_id = session.snapshot.session_id
    async with open_host(tmp_path / "state") as host:
        session = host.session(session_id)
        await session.slots.default.supervisor.adopted()
        (work(server) / "go").touch()
        view = await finished(session, lasting)
        assert (view.status, await text(session, view)) == ("ok", ["the last line"])
        view = await run(session, "echo kept is $kept.")
        assert await text(session, view) == ["kept is again."]
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_what_the_relay_has_no_room_for_is_told(
    server: SshServer, bash: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "ROOM", 2 << 20)
    python = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    jupyter = server.folder / "bare-home" / ".local" / "share" / "jupyter"
    install(jupyter, "plain", python, interrupt_mode="message", language="python")
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="ssh:bare:work#plain")
        await run(session, "import pathlib; done = pathlib.Path('full'); done.unlink(True)")
        flood = await submit(
            session,
            "import time\nfor i in range(3000):\n    print(i, 'x' * 10_000, flush=True)\n"
            "    if i == 100: time.sleep(1)\ndone.touch()\nprint('the end')",
        )
        await until(session, partial(has_printed, flood, 50))
        monkeypatch.setattr(resumable, "PAUSES", (0.2, 1.0))
        monkeypatch.setenv("CODEEXEC_SSH", "false")
        await cut_line()
        await wait_until((work(server) / "full").exists, "the end of the code there")
        monkeypatch.setenv("CODEEXEC_SSH", server.command)
        view = await finished(session, flood)
        printed = [row.text for row in await rows(session, view) if row.text]
        told = [row for row in printed if "messages" in row]
        numbers = [int(row.split()[0]) for row in printed if row.endswith("xxx")]
        assert numbers == sorted(set(numbers))
        assert len(numbers) < 3000
        assert len(told) == 1, told
        view = await run(session, "print('as before', done.name)")
        assert await text(session, view) == ["as before full"]
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_kernelspecs_that_do_not_start_are_told(
    server: SshServer, bash: str, tmp_path: Path
) -> None:
    async with open_host(tmp_path / "state") as host:
        for name, words in {
            "nothing": "There is no kernelspec nothing on bare",
            "broken": "starts no-such-program, which is not there",
        }.items():
            session = await open_session(host, tmp_path, kernel=f"ssh:bare:work#{name}")
            view = await run(session, "1")
            assert words in str(view.reason), view
    await wait_until(lambda: not server.left(), "the end of all there")


async def test_each_failure_of_a_start_is_a_sentence(server: SshServer, tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        for kernel, words in {
            "ssh:shut": "shut refuses the connection",
            "ssh:bare:nowhere": "There is no folder",
            "ssh:bare:work#/bin/false": "/bin/false on bare is no Python that runs",
            "ssh:bare:work#/no/python": "No such file or directory: /no/python",
        }.items():
            session = await open_session(host, tmp_path, kernel=kernel)
            view = await run(session, "1")
            assert view.status == "cancelled"
            assert session.snapshot.kernel.death is not None
            assert words in session.snapshot.kernel.death.message
        with pytest.raises(UsageError):
            await open_session(host, tmp_path, kernel="ssh:a b")
    assert not server.left()
