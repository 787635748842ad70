"""Kernels that others wrote: started, spoken to and interrupted as they need it."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from pathlib import Path

import pytest

from codeexec.domain.errors import Conflict, Unavailable
from codeexec.domain.outputs import ErrorInfo, plain
from codeexec.domain.requests import Inspect, Interrupt, RefreshVariables, RestartKernel
from codeexec.kernels.base import Displayed, Finished, KernelChoice, Notice
from codeexec.kernels.factory import Kernels
from codeexec.kernels.jupyter import launch
from codeexec.kernels.jupyter.discover import read_spec
from codeexec.kernels.jupyter.messages.codec import Message, Parent
from codeexec.kernels.jupyter.track import Tracker
from support.kernel_cases import Partner, no_orphans
from support.sessions import finished, open_host, open_session, submit, until

pytestmark = pytest.mark.slow

DENO = str(Path(sys.executable).with_name("deno"))
ARGV = {
    "bash": [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"],
    "deno": [DENO, "jupyter", "--kernel", "--conn", "{connection_file}"],
    "xpython": [sys.executable, "-m", "xpython_launcher", "-f", "{connection_file}"],
}
PICKY = """
import json, sys
if json.load(open(sys.argv[1]))["transport"] == "ipc":
    sys.exit("no such transport")
from ipykernel.kernelapp import launch_new_instance
launch_new_instance(argv=["-f", sys.argv[1]])
"""


LATE = """
import asyncio, sys
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class Late(Kernel):
    implementation = implementation_version = banner = "late"
    language_info = {"name": "late", "mimetype": "text/plain", "file_extension": ".late"}

    async def do_execute(self, code, silent, *args, **options):
        parent = self.get_parent()
        def send():
            content = {"name": "stdout", "text": "late"}
            self.session.send(self.iopub_socket, "stream", content, parent=parent)
        asyncio.get_running_loop().call_later(0.02, send)
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

IPKernelApp.launch_instance(kernel_class=Late, argv=["-f", sys.argv[1]])
"""

# A socket whose queue is full drops what comes last.
DROPS_IDLE = """
import sys
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

class DropsIdle(Kernel):
    implementation = implementation_version = banner = "drops-idle"
    language_info = {"name": "drops", "mimetype": "text/plain", "file_extension": ".drops"}

    def do_execute(self, code, silent, *args, **options):
        content = {"name": "stdout", "text": "begun"}
        self.session.send(self.iopub_socket, "stream", content, parent=self.get_parent())
        self._publish_status = lambda *arguments, **options: None
        return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

IPKernelApp.launch_instance(kernel_class=DropsIdle, argv=["-f", sys.argv[1]])
"""


def install(folder: Path, name: str, argv: list[str], **fields: object) -> None:
    folder = folder / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    spec = {"argv": argv, "display_name": name, "language": name, **fields}
    (folder / "kernel.json").write_text(json.dumps(spec))


@pytest.fixture(autouse=True)
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for name, argv in ARGV.items():
        assert shutil.which(argv[0]), "install the extra `dev`: pip install -e '.[dev]'"
        install(tmp_path / "jupyter", name, argv)
    return tmp_path / "jupyter"


async def start(name: str, cwd: Path) -> Partner:
    partner = Partner()
    partner.kernel = Kernels().create(KernelChoice(str(cwd), name=name), partner.sink)
    await partner.kernel.start()
    return partner


@pytest.mark.parametrize(
    ("name", "printing", "value"),
    [
        ("deno", "console.log('out'); 6 * 7", "42"),
        ("xpython", "print('out')\n6 * 7", "42"),
        ("bash", "echo out", ""),
    ],
)
async def test_a_kernel_of_others_starts_and_its_output_stands_before_its_end(
    name: str, printing: str, value: str, tmp_path: Path
) -> None:
    with no_orphans():
        partner = await start(name, tmp_path)
        for _ in range(5):
            partner.events.clear()
            end = await partner.run(printing)
            assert end.status == "ok"
            assert partner.events[-1] is end
            assert partner.text(end.execution).strip() == "out"
            values = [str(event.data["text/plain"]) for event in partner.all(Displayed)]
            assert [plain(each) for each in values] == ([value] if value else [])
        handle = partner.kernel.handle()
        file = Path(str(handle["folder"])) / launch.CONNECTION_FILE
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        connection = json.loads(file.read_text())
        assert len(connection["key"]) == 64
        if name == "deno":
            assert (connection["transport"], connection["ip"]) == ("tcp", "127.0.0.1")
        else:
            assert connection["transport"] == "ipc"
        if name == "deno":
            await partner.kernel.restart()
            assert (await partner.run(printing)).status == "ok"
        await partner.kernel.shutdown()


async def test_an_idle_that_was_dropped_ends_the_code_and_is_told(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codeexec.kernels.jupyter.connection.IDLE_GRACE", 0.2)
    (tmp_path / "kernel.py").write_text(DROPS_IDLE)
    install(specs, "drops", [sys.executable, str(tmp_path / "kernel.py"), "{connection_file}"])
    partner = Partner()
    partner.kernel = Kernels().create(KernelChoice(str(tmp_path), name="drops"), partner.sink)
    await partner.kernel.start()
    try:
        execution = partner.submit("x")
        assert (await partner.end_of(execution)).status == "ok"
        assert partner.text(execution) == "begun"
        assert [notice.title for notice in partner.all(Notice)] == [
            "Output of the kernel may be missing"
        ]
    finally:
        await partner.kernel.shutdown()


async def test_output_that_comes_after_idle_and_reply_stands_before_the_end(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The kernel may stand still before it sends.
    monkeypatch.setattr("codeexec.kernels.jupyter.known.late_output.LOOK", 0.5)
    script = tmp_path / "late.py"
    script.write_text(LATE)
    install(specs, "late", [sys.executable, str(script), "{connection_file}"])
    partner = await start("late", tmp_path)
    for _ in range(3):
        partner.events.clear()
        end = await partner.run("x")
        assert partner.events[-1] is end
        assert partner.text(end.execution) == "late"
    await partner.kernel.shutdown()


async def test_a_kernel_that_refuses_unix_sockets_gets_tcp_and_keeps_it(
    specs: Path, tmp_path: Path
) -> None:
    script = tmp_path / "picky.py"
    script.write_text(PICKY)
    install(specs, "picky", [sys.executable, str(script), "{connection_file}"])
    with no_orphans():
        partner = await start("picky", tmp_path)
        assert (await partner.run("1 + 1")).status == "ok"
        handle = partner.kernel.handle()
        assert handle["transport"] == "tcp"
        await partner.jupyter.detach()
        adopted = await Kernels().adopt(handle, partner.sink)
        assert adopted is not None
        partner.kernel = adopted
        await adopted.restart()
        assert (await partner.run("2")).status == "ok"
        assert adopted.handle()["transport"] == "tcp"
        await adopted.shutdown()


async def test_an_interrupted_kernel_of_others_says_so(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="bash")
        execution = await submit(session, "echo on; sleep 60")
        await until(session, lambda s: s.executions[execution].total)
        await session.call(Interrupt())
        view = await finished(session, execution)
        assert (view.status, view.reason) == ("cancelled", "Interrupted.")


@pytest.mark.parametrize(
    "code",
    [
        "print('on', flush=True)\nwhile True: pass",
        "import asyncio\nprint('on', flush=True)\nawait asyncio.sleep(60)",
    ],
    ids=["loop", "await"],
)
async def test_an_interrupt_ends_code_of_xeus_python_that_dies_of_the_signal_itself(
    code: str, tmp_path: Path
) -> None:
    partner = await start("xpython", tmp_path)
    running = partner.submit(code)
    await partner.printed("on")
    await partner.kernel.interrupt()
    end = await partner.end_of(running)
    assert end.error is not None
    assert end.error.name in ("KeyboardInterrupt", "CancelledError")
    assert (await partner.run("1")).status == "ok"
    await partner.kernel.shutdown()


async def test_a_session_refuses_what_its_kernel_lacks_and_says_why(tmp_path: Path) -> None:
    async with open_host(tmp_path / "state") as host:
        session = await open_session(host, tmp_path, kernel="deno")
        await finished(session, await submit(session, "let x = 5"))
        snapshot = session.snapshot
        assert any("cannot be interrupted" in notice for notice in snapshot.kernel.notices)
        with pytest.raises(Unavailable, match="no help"):
            await session.call(Inspect("console", 3))
        with pytest.raises(Unavailable, match="does not tell its variables"):
            await session.call(RefreshVariables())
        forever = "console.log('on'); await new Promise(end => setTimeout(end, 600_000))"
        execution = await submit(session, forever)
        await until(session, lambda s: s.executions[execution].total)
        with pytest.raises(Conflict, match=r"cannot be interrupted.*Restart the kernel"):
            await session.call(Interrupt())
        await session.call(RestartKernel())
        assert (await finished(session, execution)).status == "cancelled"
        limited = await submit(session, forever, timeout=1.0)
        assert (await finished(session, limited)).status == "timed_out"


def test_an_error_in_the_last_line_alone_ends_code_as_failed() -> None:
    tracker = Tracker()
    for execution, lines, failure in (
        ("a", ["x = 1\r\n", "err", "or: boom\r\n"], ErrorInfo("error", "boom")),
        ("b", ["error: boom\r\n", "handled\r\n"], None),
        ("c", [], None),
    ):
        tracker.begin(execution)
        for line in lines:
            tracker.note_text(execution, line, "error: ")
        [end] = (*tracker.idled(execution), *tracker.replied(reply_to(execution)))
        assert isinstance(end, Finished)
        assert (end.status, end.error) == ("error" if failure else "ok", failure)


def reply_to(execution: str) -> Message:
    content: dict[str, object] = {"status": "ok", "execution_count": 1}
    return Message("execute_reply", "id", Parent("execute_request", execution), content)


async def test_a_variable_of_a_kernelspec_is_filled_in(
    specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREETED", "Ada")
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    env = {"GREETING": "hello ${GREETED}"}
    install(specs, "greeting", argv, env=env, interrupt_mode="message", language="python")
    partner = await start("greeting", tmp_path)
    await partner.run("import os; print(os.environ['GREETING'])")
    assert partner.text() == "hello Ada\n"
    assert partner.kernel.handle()["interrupt_by_message"] is True
    running = partner.submit("import time\nprint('on', flush=True)\ntime.sleep(60)")
    await partner.printed("on")
    await partner.kernel.interrupt()
    end = await partner.end_of(running)
    assert end.error is not None
    assert end.error.name == "KeyboardInterrupt"
    await partner.kernel.shutdown()


@pytest.mark.parametrize(
    ("argv", "transports"),
    [
        (["python3", "-m", "bash_kernel"], ("ipc", "tcp")),
        (["/usr/bin/python3.12", "x.py"], ("ipc", "tcp")),
        (["R", "--slave"], ("ipc", "tcp")),
        (["tslab", "kernel"], ("tcp",)),
        (["/opt/bin/evcxr_jupyter"], ("tcp",)),
    ],
)
def test_how_a_kernel_is_spoken_to(
    argv: list[str], transports: tuple[str, ...], specs: Path
) -> None:
    install(specs, "other", argv)
    spec = read_spec("other", specs / "kernels" / "other")
    assert spec is not None
    assert spec.transports == transports
