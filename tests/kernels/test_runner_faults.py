"""Kernels without ipykernel that misbehave or die, and what is logged and kept of them."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path

import psutil
import pytest

from codeexec.domain.errors import KernelUnavailable
from codeexec.domain.events import KernelRef
from codeexec.kernels.base import Displayed, Kernel, Sink
from codeexec.kernels.jupyter.launch import Spawned
from codeexec.kernels.runner import script
from codeexec.kernels.runner.kernel import make_runner_kernel
from codeexec.kernels.runner.launch import prepare_runner, start_runner
from codeexec.kernels.runner.transport import LONGEST_FRAME
from support.kernel_cases import DEADLINE, KernelCase, Partner, no_orphans, runner_case, talking_to

READY = '{"type": "ready", "version": "3.11.0", "banner": "b", "pid": 1}'
STAND_IN = f"""
import json, os, sys
def say(text):
    os.write(1, text.encode() + b"\\n")
say('no JSON at the start ' + 'x' * 300)
say({READY!r})
for line in sys.stdin:
    request = json.loads(line)
    if request.get("type") == "exit":
        break
    if "code" not in request:
        continue
    execution = request["id"]
    def frame(kind, **fields):
        say(json.dumps({{"type": kind, "id": execution, **fields}}))
    frame("started", executionCount=1)
    exec(request["code"])
    frame("done", status="ok", executionCount=1)
"""


def stand_in(program: str, timeout: float = 10.0) -> KernelCase:
    """A runner whose program is this one."""

    def create(cwd: Path, sink: Sink) -> Kernel:
        async def start() -> Spawned:
            prepared = prepare_runner(sys.executable, str(cwd), {})
            prepared.command = [sys.executable, "-c", program]
            return start_runner(prepared)

        ref = KernelRef("stand-in", "Python", "python", "", "local")
        return make_runner_kernel(ref, start, sink, start_timeout=timeout)

    return KernelCase("stand-in", create)


async def test_lines_that_are_no_frames_are_logged_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    garbage = """
frame("stdout", data="before\\n")
say("")
say("{{{{")
say("[1, 2]")
say("null")
say("[" * 100_000)
say('{"type": "nothing we know"}')
say('{"type": "stdout", "data": 7}')
say('{"type": "result", "id": "' + execution + '", "bundle": 5, "executionCount": "many"}')
say('{"type": "done", "id": "another"}')
os.write(1, b"\\xff\\xfe\\x1b[2J\\n")
frame("stdout", data="after\\n")
"""
    async with talking_to(stand_in(STAND_IN), tmp_path) as partner:
        end = await partner.run(garbage)
        assert (end.status, partner.text(end.execution)) == ("ok", "before\nafter\n")
        assert (await partner.run("frame('stdout', data='lives')")).status == "ok"
    logged = [record.message for record in caplog.records if "runner" in record.message]
    assert logged[0].endswith("no JSON at the start " + "x" * 179)  # 200 characters of it
    assert all("\x1b" not in line and len(line) < 300 for line in logged)
    assert any("[[[[" in line for line in logged)


@pytest.mark.slow
async def test_a_frame_of_100_MB_is_left_out_and_the_loop_goes_on(tmp_path: Path) -> None:
    code = "frame('stdout', data='x' * 100_000_000)\nframe('stdout', data='after\\n')"
    async with talking_to(stand_in(STAND_IN), tmp_path) as partner:
        execution = partner.submit(code)
        ending = asyncio.create_task(partner.end_of(execution))
        longest, before = 0.0, time.monotonic()
        while not ending.done():
            await asyncio.sleep(0.001)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
        assert ending.result().status == "ok"
        out, problem = partner.text(execution, "stdout"), partner.text(execution, "stderr")
    assert out == "after\n"
    assert "bytes was left out" in problem
    assert f"{LONGEST_FRAME:,}" in problem
    assert longest < 5.0  # a turn that decodes all of it would take longer beside other work


@pytest.mark.slow
async def test_a_display_that_is_too_large_says_so_and_a_large_one_comes(tmp_path: Path) -> None:
    async with talking_to(runner_case(sys.executable), tmp_path) as partner:
        end = await partner.run("display({'text/html': 'x' * 70_000_000}, raw=True)\nprint('on')")
        assert partner.all(Displayed) == []
        assert "64" in partner.text(end.execution, "stderr")
        assert "was left out" in partner.text(end.execution, "stderr")
        assert partner.text(end.execution, "stdout") == "on\n"
        await partner.run("display({'text/html': 'x' * 3_000_000}, raw=True)")
        assert len(str(partner.all(Displayed)[0].data["text/html"])) == 3_000_000


@pytest.mark.parametrize(
    ("program", "problem"),
    [
        ("import sys; sys.exit('last words')", "last words"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("import time; time.sleep(600)", "did not answer within 0.5 s"),
        ("import os; os.close(1); os.close(0); import time; time.sleep(600)", "did not answer"),
    ],
)
async def test_a_kernel_that_dies_at_its_start_or_says_nothing(
    program: str, problem: str, tmp_path: Path
) -> None:
    partner = Partner()
    with no_orphans():
        case = stand_in(program, 0.5 if "sleep" in program else 10.0)
        partner.kernel = case.create(tmp_path, partner.sink)
        with pytest.raises(KernelUnavailable, match=problem) as caught:
            await partner.kernel.start()
        assert caught.value.next_step
        assert not partner.kernel.is_alive


@pytest.mark.slow
async def test_a_runner_that_is_killed_is_an_end_in_words_and_the_next_is_fresh(
    tmp_path: Path,
) -> None:
    async with talking_to(runner_case(sys.executable), tmp_path) as partner:
        partner.submit("x = 1\nprint('on', flush=True)\nwhile True: pass")
        await partner.printed("on\n")
        assert partner.kernel.pid is not None
        os.kill(partner.kernel.pid, signal.SIGKILL)
        assert (await partner.death()).death.signal == signal.SIGKILL
        await partner.kernel.restart()
        end = await partner.run("x")
        assert end.error is not None
        assert end.error.name == "NameError"
        assert end.count == 1


@pytest.mark.slow
def test_it_ends_with_its_parent_also_while_code_runs(tmp_path: Path) -> None:
    code = f"""
import json, os, sys, time
sys.path[:0] = {sys.path!r}
from codeexec.kernels.runner.launch import prepare_runner, start_runner
spawned = start_runner(prepare_runner(sys.executable, {str(tmp_path)!r}, {{}}))
code = "import os; os.system('sleep 600 & echo begun'); print('on')\\nwhile True: pass"
os.write(spawned.connection["requests"], json.dumps({{"id": "a", "code": code}}).encode() + b"\\n")
with os.fdopen(spawned.connection["frames"]) as frames:
    while "on" not in frames.readline(): pass
    print(spawned.pid, spawned.folder, flush=True)
    time.sleep(600)
"""
    with no_orphans():
        parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        runner = psutil.Process(int(pid))
        assert runner.is_running()
        parent.kill()
        parent.wait()
        parent.stdout.close()
        runner.wait(DEADLINE)
        end = time.monotonic() + DEADLINE
        while Path(folder).exists() and time.monotonic() < end:
            time.sleep(0.05)  # the guard looks twice a second
        assert not Path(folder).exists()


@pytest.mark.slow
def test_requests_that_are_none_are_logged_and_skipped(tmp_path: Path) -> None:
    spawned = start_runner(prepare_runner(sys.executable, str(tmp_path), {}))
    log = Path(spawned.folder) / "log"
    requests, frames = int(spawned.connection["requests"]), int(spawned.connection["frames"])
    try:
        os.write(requests, b"no JSON " + b"y" * 1000 + b"\n[1]\n{}\n\xff\xfe\n")
        os.write(requests, json.dumps({"id": "a", "code": "print(1)"}).encode() + b"\n")
        with os.fdopen(frames) as file:
            kinds = []
            while "done" not in kinds:
                kinds.append(json.loads(file.readline())["type"])
        # A text and its newline may come apart.
        assert [kind for kind, _ in groupby(kinds)] == ["ready", "started", "stdout", "done"]
        lines = log.read_text().splitlines()
        assert lines[0].endswith("no JSON " + "y" * 192)
        assert len(lines) == 4
    finally:
        os.close(requests)  # the end of its requests is its end
        os.waitpid(spawned.pid, 0)


@pytest.mark.slow
async def test_frames_are_logged_where_that_is_wanted_and_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CODEEXEC_IPC_TRACE", "1")
    caplog.set_level(logging.INFO)
    async with talking_to(runner_case(sys.executable), tmp_path) as partner:
        execution = partner.submit("word = input('? ')")
        await partner.asked()
        partner.jupyter.answer_stdin("secret")
        await partner.end_of(execution)
    logged = [record.message for record in caplog.records]
    assert any(line.startswith("runner > ") and "input('? ')" in line for line in logged)
    assert any(line.startswith("runner < ") and '"done"' in line for line in logged)
    assert not any("secret" in line for line in logged)


def test_the_program_is_kept_once_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = Path(script.cached_program())
    assert path.read_bytes() == script.program()
    changed = path.stat().st_mtime_ns
    assert script.cached_program() == str(path)
    assert path.stat().st_mtime_ns == changed
    path.write_bytes(b"something else")
    path.chmod(0o400)
    assert script.cached_program() == str(path)
    assert path.read_bytes() == script.program()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    with pytest.raises(KernelUnavailable, match="cannot be written") as caught:
        script.cached_program()
    assert "XDG_CACHE_HOME" in caught.value.next_step


def test_a_python_that_is_too_old_says_so() -> None:
    code = f"import sys\nsys.version_info = (3, 7, 16)\n{script.MAIN}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "Python 3.7 is too old: codeexec needs 3.8 or later.\n"
    assert done.returncode == 1
