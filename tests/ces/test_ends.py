"""Ends of programs and of sessions that nobody has waited for."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codeexec.ces import Environment
from codeexec.domain.errors import CodeexecError, Conflict
from support.servers import wait_for

PROGRAM = """
import os, sys, threading
from codeexec.ces import Environment

environment = Environment(where="here")
environment.start_session("work")
print(environment.execute_code("work", "1 + 1").output, flush=True)

def go_on():
    threading.main_thread().join()
    print(environment.execute_code("work", "2 + 2").output, flush=True)

if sys.argv[1] == "thread":
    threading.Thread(target=go_on).start()
elif sys.argv[1] == "fork" and os.fork():
    os.wait()
    print(environment.execute_code("work", "2 + 2").output, flush=True)
elif sys.argv[1] == "forget":
    del environment
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "output"), [("", "2\n"), ("forget", "2\n"), ("thread", "2\n4\n"), ("fork", "2\n4\n")]
)
def test_a_program_that_closes_nothing_ends_quietly_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, output: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(temporary := tmp_path / "tmp"))
    temporary.mkdir()
    command = [sys.executable, "-c", PROGRAM, end]
    program = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (program.returncode, program.stdout, program.stderr) == (0, output, "")
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("is_closed", [False, True])
def test_an_execution_whose_session_is_stopped_ends(env_dir: Path, is_closed: bool) -> None:
    heard: list[CodeexecError] = []
    with Environment(env_dir=env_dir, where="here") as environment:
        environment.start_session("work")

        def wait() -> None:
            try:
                environment.execute_code("work", "import time; time.sleep(600)")
            except CodeexecError as error:
                heard.append(error)

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        state = environment.session_dict["work"]
        wait_for(lambda: state.kernel_status == "running", "the code to begin")
        environment.close() if is_closed else environment.stop_session("work")
        waiting.join(90)
    assert [type(error) for error in heard] == [Conflict]
