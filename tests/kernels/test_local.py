"""A kernel process of ours: kill -9, starts that fail, adoption, early spawn, attaching."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path
from typing import cast

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from codeexec.domain.errors import KernelUnavailable, UsageError
from codeexec.domain.events import KernelRef
from codeexec.environments import short_folders
from codeexec.environments.marks import MARK, find_marked
from codeexec.environments.processes import descendants, identify
from codeexec.kernels.base import Died, Displayed, Finished, KernelChoice
from codeexec.kernels.early import EarlyKernel
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter import launch
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.process import LOG_KEPT, LOG_LIMIT, LocalProcess, trim_log
from support.kernel_cases import DEADLINE, LOCAL_CASES, Partner, no_orphans, talking_to
from support.servers import wait_until

pytestmark = pytest.mark.slow

LOCAL = LOCAL_CASES[0]


def _scripted(
    code: str, cwd: Path, sink: Partner, timeout: float = 30.0, said: bytes = b""
) -> JupyterKernel:
    """A kernel that is this code. Its start takes until it has `said` that, without a limit."""
    argv = [sys.executable, "-c", code]

    async def start() -> launch.Spawned:
        spawned = launch.spawn(argv, str(cwd), {})
        log = Path(spawned.folder, "log")
        await wait_until(lambda: said in log.read_bytes(), "what the kernel says")
        return spawned

    life = LocalProcess(start)
    return JupyterKernel(KernelRef("scripted"), life, sink.sink, start_timeout=timeout)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that are made for kernels during a test."""
    folders: list[Path] = []
    make_folder = short_folders.make_folder

    def note() -> str:
        folders.append(Path(make_folder()))
        return str(folders[-1])

    monkeypatch.setattr(launch, "make_folder", note)
    return folders


@pytest.mark.parametrize("moment", ["idle", "busy", "flood", "input"])
async def test_kill_9_at_any_moment(moment: str, tmp_path: Path) -> None:
    code = {
        "idle": "print('on')",
        "busy": "print('on', flush=True)\nwhile True: pass",
        "flood": "while True: print('on')",
        "input": "print('on')\ninput()",
    }[moment]
    async with talking_to(LOCAL, tmp_path) as partner:
        partner.submit(code)
        await partner.printed("on")
        assert partner.kernel.pid is not None
        os.kill(partner.kernel.pid, signal.SIGKILL)
        death = (await partner.death()).death
        assert death.signal == signal.SIGKILL
        assert "SIGKILL" in death.message
        assert not partner.kernel.is_alive
        await partner.kernel.restart()
        assert (await partner.run("1")).status == "ok"


async def test_a_kernel_that_exits_at_start_says_its_last_words(
    tmp_path: Path, made: list[Path]
) -> None:
    with no_orphans():
        kernel = _scripted("raise SystemExit('no licence')", tmp_path, Partner())
        with pytest.raises(KernelUnavailable, match=r"(?s)code 1.*no licence"):
            await kernel.start()
    assert not kernel.is_alive
    assert [folder.exists() for folder in made] == [False]


async def test_a_kernel_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with no_orphans():
        code = "import time; print('thinking', flush=True); time.sleep(100)"
        kernel = _scripted(code, tmp_path, Partner(), timeout=1.0, said=b"thinking")
        with pytest.raises(KernelUnavailable, match=r"(?s)within 1 s.*thinking"):
            await kernel.start()


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    with no_orphans():
        kernel = _scripted("import time; time.sleep(100)", tmp_path, Partner())
        task = asyncio.create_task(kernel.start())
        while kernel.pid is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (KernelChoice("/nowhere/at/all"), "is not there"),
        (KernelChoice("/tmp", name="klingon"), "no kernel that is installed"),
        (KernelChoice("/tmp", name="/nowhere/python"), "is no Python"),
        (KernelChoice("/tmp", backend="abacus"), "no backend"),
    ],
)
def test_what_cannot_be_is_said_in_words(choice: KernelChoice, message: str) -> None:
    with pytest.raises(KernelUnavailable, match=message) as caught:
        Kernels().create(choice, Partner().sink)
    assert caught.value.next_step


def test_a_program_that_is_not_there(tmp_path: Path, made: list[Path]) -> None:
    with pytest.raises(FileNotFoundError):
        launch.spawn(["/nowhere/kernel"], str(tmp_path), {})
    assert [folder.exists() for folder in made] == [False]


async def test_files_and_sockets_are_private(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as partner:
        folder = Path(str(partner.kernel.handle()["folder"]))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "kernel.json").stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "log").stat().st_mode) == 0o600
        assert partner.kernel.pid is not None
        assert os.getsid(partner.kernel.pid) == os.getpgid(partner.kernel.pid)
        assert os.getsid(partner.kernel.pid) == partner.kernel.pid
    assert not folder.exists()


async def test_usage_counts_the_whole_family(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as partner:
        first = partner.kernel.usage()
        assert first.rss is not None
        assert first.rss > 20e6
        assert first.cpu is None
        code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'x = 1; "
        partner.submit(code + "import time; b = bytearray(50_000_000); time.sleep(100)'])")
        async with asyncio.timeout(90):
            while (partner.kernel.usage().rss or 0) < first.rss + 50e6:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert partner.kernel.usage().cpu is not None
        await partner.kernel.interrupt()


async def test_a_kernel_is_adopted_with_its_running_cell(tmp_path: Path) -> None:
    with no_orphans():
        first, second = Partner(), Partner()
        first.kernel = Kernels().create(KernelChoice(str(tmp_path)), first.sink)
        await first.kernel.start()
        await first.run("x = 7")
        running = first.submit(
            "import time\nfor i in range(30): print(i, flush=True); time.sleep(.05)"
        )
        await first.printed("3\n")
        handle = first.kernel.handle()
        await first.jupyter.detach()
        adopted = await Kernels().adopt(handle, second.sink, running)
        assert adopted is not None
        second.kernel = adopted
        assert adopted.pid == handle["pid"]
        end = await second.end_of(running)
        assert end.status == "ok"
        assert second.text(running).endswith("29\n")
        await second.run("x")
        assert second.all(Displayed)[-1].data["text/plain"] == "7"
        assert adopted.ref == first.kernel.ref
        await adopted.restart()
        assert (await second.run("1")).status == "ok"
        await adopted.shutdown()


async def test_a_cell_that_ended_while_nobody_listened_ends(tmp_path: Path) -> None:
    with no_orphans():
        first, second = Partner(), Partner()
        first.kernel = Kernels().create(KernelChoice(str(tmp_path)), first.sink)
        await first.kernel.start()
        done = tmp_path / "done"
        running = first.submit(f"import time; time.sleep(.3); open({str(done)!r}, 'w').close()")
        handle = first.kernel.handle()
        await first.until(lambda: first.events or None)
        await first.jupyter.detach()
        async with asyncio.timeout(90):
            while not done.exists():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        adopted = await Kernels().adopt(handle, second.sink, running)
        assert adopted is not None
        second.kernel = adopted
        await second.end_of(running)
        await adopted.shutdown()


async def test_a_kernel_that_is_held_by_native_code_is_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.kernels.jupyter.kernel.QUESTION", 0.3)
    with no_orphans():
        first, second = Partner(), Partner()
        first.kernel = Kernels().create(KernelChoice(str(tmp_path)), first.sink)
        await first.kernel.start()
        handle = first.kernel.handle()
        pid = first.kernel.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await first.jupyter.detach()
        adopted = await Kernels().adopt(handle, second.sink)
        assert adopted is not None
        second.kernel = adopted
        os.kill(pid, signal.SIGCONT)
        assert (await second.run("1")).status == "ok"
        await adopted.shutdown()


async def test_a_dead_or_recycled_pid_is_not_adopted(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as partner:
        handle = partner.kernel.handle()
        assert handle["process"] == identify(cast(int, handle["pid"]))
    assert await Kernels().adopt(handle, partner.sink) is None
    stranger = {**handle, "pid": os.getpid()}
    assert await Kernels().adopt(stranger, partner.sink) is None


async def test_a_kernel_is_adopted_though_the_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psutil reckons the moment of a start from the clock of now."""
    with no_orphans():
        first, second = Partner(), Partner()
        first.kernel = Kernels().create(KernelChoice(str(tmp_path)), first.sink)
        await first.kernel.start()
        handle = first.kernel.handle()
        folder = Path(str(handle["folder"]))
        await first.jupyter.detach()
        boot_time = psutil.boot_time()
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot_time + 1.0)
        adopted = await Kernels().adopt(handle, second.sink)
        assert adopted is not None
        assert folder.is_dir()
        second.kernel = adopted
        assert (await second.run("1")).status == "ok"
        await adopted.shutdown()
        assert not folder.exists()


async def test_a_folder_stays_while_its_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the system does not take a killed process away, for it waits for a dead drive."""
    async with talking_to(LOCAL, tmp_path) as partner:
        folder = Path(str(partner.kernel.handle()["folder"]))
        with monkeypatch.context() as patched:
            patched.setattr("codeexec.kernels.jupyter.process.end_marked", lambda *mark: False)
            await LocalProcess.clean_up({"folder": str(folder)})
        assert (folder / "kernel.json").exists()
        assert (await partner.run("1")).status == "ok"


LEAVERS = """
import os, subprocess, sys
sleeping = [sys.executable, '-c', 'import time; time.sleep(600)']
subprocess.Popen(sleeping, start_new_session=True)
if os.fork() == 0:  # twice, as daemons do
    os.setsid()
    if os.fork() == 0:
        os.execv(sleeping[0], sleeping)
    os._exit(0)
os.wait()
"""


async def test_what_left_the_process_group_ends_with_its_kernel(tmp_path: Path) -> None:
    def left(mark: object) -> list[int]:
        return find_marked(MARK, str(mark))

    async with talking_to(LOCAL, tmp_path) as partner:
        await partner.run(LEAVERS)
        old = partner.kernel.handle()["folder"]
        await wait_until(lambda: len(left(old)) == 3, "all that were left")
        await partner.kernel.restart()
        assert left(old) == []

        await partner.run(LEAVERS)
        old, pid = partner.kernel.handle()["folder"], partner.kernel.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await partner.until(lambda: partner.all(Died) or None)
        async with asyncio.timeout(DEADLINE):
            while left(old):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await partner.kernel.restart()

        await partner.run(LEAVERS)
        last = partner.kernel.handle()["folder"]
    assert left(last) == []


async def test_what_cleared_its_environment_ends_once_it_was_seen(tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "child = subprocess.Popen(['/bin/sleep', '600'], start_new_session=True, env={})\n"
        "print(child.pid, flush=True)"
    )
    async with talking_to(LOCAL, tmp_path) as partner:
        await partner.run(code)
        child, pid = int(partner.text()), cast(int, partner.kernel.pid)
        assert child in descendants(pid)
        # Seen when the kernel's memory is looked at next.
        async with asyncio.timeout(DEADLINE):
            while child not in partner.kernel._life._family:  # type: ignore[attr-defined]  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    # It is killed by then; the system may need a moment to take it away.
    async with asyncio.timeout(DEADLINE):
        while identify(child) is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_what_a_dead_kernel_left_ends_though_the_server_had_ended_before(
    tmp_path: Path,
) -> None:
    with no_orphans():
        first = Partner()
        first.kernel = Kernels().create(KernelChoice(str(tmp_path)), first.sink)
        await first.kernel.start()
        await first.run(LEAVERS)
        handle = first.kernel.handle()
        await first.jupyter.detach()
        os.kill(cast(int, handle["pid"]), signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, cast(int, handle["pid"]), 0)
        mark = str(handle["folder"])
        await wait_until(lambda: len(find_marked(MARK, mark)) == 2, "both that were left")
        assert await Kernels().adopt(handle, first.sink) is None
        assert find_marked(MARK, str(handle["folder"])) == []
        assert not Path(str(handle["folder"])).exists()


async def test_attaching_by_connection_file(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as owner:
        path = f"{owner.kernel.handle()['folder']}/kernel.json"
        guest = Partner()
        guest.kernel = Kernels().create(KernelChoice("/tmp", connection_file=path), guest.sink)
        assert (await guest.kernel.start()).language == "python"
        await owner.run("x = 5")
        await guest.run("x")
        assert guest.all(Displayed)[-1].data["text/plain"] == "5"
        assert await guest.jupyter.language.ask("answer(str(user['x']))", DEADLINE) == "5"
        running = guest.submit("import time\nprint('on', flush=True)\ntime.sleep(600)")
        await guest.printed("on")
        await guest.kernel.interrupt()
        end = await guest.end_of(running)
        assert end.error is not None
        assert end.error.name == "KeyboardInterrupt"
        assert not await guest.kernel.signal(signal.SIGKILL)
        with pytest.raises(UsageError, match="somebody else"):
            await guest.kernel.restart()
        await guest.kernel.shutdown()
        assert owner.kernel.is_alive
        assert (await owner.run("x")).status == "ok"


async def test_a_kernel_that_another_client_shuts_down_says_so(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as owner:
        client = BlockingKernelClient(
            connection_file=f"{owner.kernel.handle()['folder']}/kernel.json"
        )
        client.load_connection_file()
        client.start_channels()
        try:
            client.shutdown()  # what `exit` does in jupyter console
            death = (await owner.death()).death
        finally:
            client.stop_channels()
        assert "Another program" in death.message
        assert "keep_kernel" in death.message
        await owner.kernel.restart()
        assert (await owner.run("1")).status == "ok"


async def test_a_kernelspec_is_started_by_its_name(tmp_path: Path) -> None:
    with no_orphans():
        partner = Partner()
        partner.kernel = Kernels().create(KernelChoice(str(tmp_path), name="python3"), partner.sink)
        await partner.kernel.start()
        assert (await partner.run("1 + 1")).status == "ok"
        await partner.kernel.shutdown()


async def test_the_early_kernel_is_taken_once_and_ended_when_not(tmp_path: Path) -> None:
    with no_orphans():
        early = EarlyKernel.start({"cwd": str(tmp_path)})
        partner = Partner()
        factory = Kernels(early)
        partner.kernel = factory.create(KernelChoice(str(tmp_path)), partner.sink)
        await partner.kernel.start()
        await partner.run("import os; os.getcwd()")
        assert str(tmp_path) in str(partner.all(Displayed)[-1].data["text/plain"])
        assert early.take(sys.executable, str(tmp_path), {}) is None
        await partner.kernel.shutdown()
        early.end()
        EarlyKernel.start({"cwd": str(tmp_path)}).end()


def test_a_log_is_kept_short_at_its_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"a" * LOG_LIMIT)
    trim_log(log)
    assert log.stat().st_size == LOG_LIMIT
    log.write_bytes(b"a" * LOG_LIMIT + b"the end")
    trim_log(log)
    assert log.stat().st_size == LOG_KEPT
    assert log.read_bytes().endswith(b"the end")


async def test_ends_are_said_once_each(tmp_path: Path) -> None:
    async with talking_to(LOCAL, tmp_path) as partner:
        ids = [partner.submit(f"print({at})") for at in range(50)]
        await partner.end_of(ids[-1])
        assert [event.execution for event in partner.all(Finished)] == ids
        assert partner.text() == "".join(f"{at}\n" for at in range(50))
