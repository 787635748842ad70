"""Processes that are told apart without the clock, and found by a mark that they inherited."""

from __future__ import annotations

import itertools
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import psutil
import pytest

from codeexec.environments import marks
from codeexec.environments.marks import MARK, SESSION, end_marked, find_marked, without_marks
from codeexec.environments.processes import boot_id, identify, uptime
from codeexec.kernels.jupyter.launch import LAUNCHER

SLEEPING = [sys.executable, "-S", "-c", "import time; print(flush=True); time.sleep(60)"]


@contextmanager
def sleeping(**env: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        SLEEPING, env={**os.environ, **env}, start_new_session=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()  # its environment can be read: just after its start it is empty
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_all_with_the_mark_end_and_nobody_else() -> None:
    mark, session = f"/tmp/{os.urandom(6).hex()}", os.urandom(6).hex()
    with (
        sleeping(**{MARK: mark, SESSION: session}) as marked,
        sleeping(**{MARK: mark + "x", SESSION: session}) as sibling,
        sleeping(**{MARK: ""}) as opted_out,
        sleeping(OTHER=f"{MARK}={mark}") as stranger,
    ):
        assert find_marked(MARK, mark) == [marked.pid]
        assert end_marked(MARK, mark)
        assert marked.wait() == -9
        assert end_marked(MARK, "")
        assert [each.poll() for each in (sibling, opted_out, stranger)] == [None] * 3
        assert end_marked(SESSION, session, mark + "x")
        assert sibling.poll() is None
        assert end_marked(SESSION, session)
        assert sibling.wait() == -9


def test_a_standstill_is_not_taken_for_processes_that_do_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moments = itertools.count(0.0, 100.0)  # as if each look took that long
    monkeypatch.setattr(
        marks, "time", SimpleNamespace(monotonic=moments.__next__, sleep=time.sleep)
    )
    mark = f"/tmp/{os.urandom(6).hex()}"
    with sleeping(**{MARK: mark}) as marked:
        assert end_marked(MARK, mark)
        assert marked.wait() == -9


def test_a_guest_without_proc_finds_its_mark() -> None:
    mark = f"/tmp/codeexec-{os.urandom(6).hex()}"
    with sleeping(CODEEXEC_MARK=mark) as marked, sleeping(CODEEXEC_MARK=f"{mark}0") as other:
        guest = runpy.run_path(LAUNCHER, run_name="guest")
        guest["end_marked_without_proc"](mark)
        assert marked.wait() == -signal.SIGKILL
        assert other.poll() is None


def test_our_own_process_is_never_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"CODEEXEC_TEST_{os.urandom(6).hex()}"
    code = (
        "import sys\n"
        "from codeexec.environments.marks import end_marked\n"
        f"print(end_marked({name!r}, '1'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, name: "1"}, capture_output=True, text=True
    )
    assert done.stdout == "True\n"


def test_a_server_is_started_without_the_marks_of_a_cell() -> None:
    assert without_marks({MARK: "a", SESSION: "b", "HOME": "/"}) == {"HOME": "/"}


def test_a_process_is_itself_until_it_ends_whatever_the_clock_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sleeping() as one, sleeping() as other:
        known = identify(one.pid)
        assert known is not None
        monkeypatch.setattr("time.time", lambda: 0.0)
        assert identify(one.pid) == known
        one.kill()
        while psutil.Process(one.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.001)
        assert identify(one.pid) is None, "only its exit status is left"
        one.wait()
        assert identify(one.pid) is None
        assert identify(other.pid) is not None


def test_without_proc_psutil_tells_them_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from codeexec.environments import processes

    with sleeping() as process:
        assert processes._identify_without_proc(process.pid) == processes._identify_without_proc(
            process.pid
        )
        process.kill()
        process.wait()
        assert processes._identify_without_proc(process.pid) is None


def test_a_boot_has_a_name_and_an_age() -> None:
    assert len(boot_id()) == 36
    before = uptime()
    assert uptime() >= before > 0
