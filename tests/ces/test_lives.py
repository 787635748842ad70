"""Sessions of an environment on the session server: many at once, watched, and their ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codeexec.ces import CutOffs, Environment, ExecutionResult
from codeexec.domain.errors import Conflict
from support.servers import Apart, wait_for

SESSIONS = 20

PROGRAM = """
import sys
from codeexec.ces import Environment

environment = Environment(env_dir=sys.argv[1])
environment.start_session("work")
environment.execute_code("work", "open('made.txt', 'w').close()")
print("ready", flush=True)
if sys.argv[2] == "raise":
    raise RuntimeError("of the program")
environment.execute_code("work", "import time; time.sleep(600)")
"""


def check_nothing_is_left(apart: Apart, env_dir: Path) -> None:
    """No process, no journal, and of the session its folder alone."""
    wait_for(lambda: not apart.processes(), "kernel and server to end", 90)
    assert list((apart.paths.state / "sessions").iterdir()) == []
    files = [str(path.relative_to(env_dir)) for path in env_dir.rglob("*")]
    work = "sessions/work"
    assert sorted(files) == [
        "sessions", work, f"{work}/ces", f"{work}/cwd", f"{work}/cwd/made.txt"
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("end", ["kill", "raise"])
def test_nothing_is_left_of_a_program_that_does_not_stop_its_session(
    apart: Apart, env_dir: Path, end: str
) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(env_dir), end],
        env=apart.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    if end == "kill":
        program.kill()
    assert program.wait(60) != 0
    check_nothing_is_left(apart, env_dir)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_twenty_sessions_run_at_once_and_one_may_die(apart: Apart, env_dir: Path) -> None:
    names = [f"session {number}" for number in range(SESSIONS)]
    with Environment(env_dir=env_dir, cut_offs=CutOffs(preloads={})) as environment:
        with ThreadPoolExecutor(SESSIONS) as pool:
            list(pool.map(environment.start_session, names))

            def pid_of(name: str) -> int:
                code = f"import os; number = {name.split()[1]}; os.getpid()"
                return int(environment.execute_code(name, code).output)

            pids = list(pool.map(pid_of, names))
            assert len(set(pids)) == SESSIONS
            # The one that dies would run for longer than anybody waits.
            seconds = "600 if number == 7 else 2"
            code = f"import time\nopen('begun', 'w').close()\ntime.sleep({seconds})\nnumber * 2"
            runs = [pool.submit(environment.execute_code, name, code) for name in names]
            begun = environment.session_dict[names[7]].folder.cwd / "begun"
            wait_for(begun.exists, "the code to begin")
            os.kill(pids[7], signal.SIGKILL)
            results: list[ExecutionResult] = [run.result() for run in runs]
        died = [number for number, result in enumerate(results) if not result.is_success]
        assert died == [7]
        assert "SIGKILL" in results[7].error
        assert [r.output for r in results if r.is_success] == [
            str(2 * number) for number in range(SESSIONS) if number != 7
        ]
        states = [environment.session_dict[name].kernel_status for name in names]
        assert [number for number, state in enumerate(states) if state != "ready"] == [7]
    wait_for(lambda: not apart.processes(), "kernels and server to end", 90)


@pytest.mark.slow
def test_a_session_is_seen_and_stopped_from_the_command_line(apart: Apart, env_dir: Path) -> None:
    with Environment(env_dir=env_dir) as environment:
        environment.start_session("report")
        environment.execute_code("report", "x = 41")
        listed = codeexec(apart, "sessions", "list")
        assert "report" in listed
        with Environment(env_dir=env_dir / "other") as other:
            other.start_session("report")
            assert other.session_dict["report"].session_name == "report-2"
            assert other.execute_code("report", "'x' in globals()").output == "False"
        codeexec(apart, "sessions", "stop", "report")
        wait_for(
            lambda: environment.session_dict["report"].kernel_status == "stopped",
            "the environment to hear of it",
        )
        with pytest.raises(Conflict, match="is stopped"):
            environment.execute_code("report", "x")
        environment.stop_session("report")


def codeexec(apart: Apart, *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "codeexec", *arguments],
        env=apart.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout
