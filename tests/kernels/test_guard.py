"""Kernels that are not started by our launcher end with whoever started them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from codeexec.environments.marks import MARK, find_marked
from codeexec.environments.processes import identify
from support.servers import wait_for

STARTER = """
import json, signal, sys
from codeexec.kernels.jupyter.launch import let_outlive, spawn
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends is reaped
away = "import os, time; os.fork() or os.setsid(); time.sleep(600)"
spawned = spawn([sys.executable, "-c", away, "{connection_file}"], sys.argv[1], {})
if sys.argv[2] == "outlives":
    let_outlive(spawned.folder)
print(json.dumps([spawned.pid, spawned.folder]), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path: Path) -> Callable[[str], tuple[subprocess.Popen[str], int, str]]:
    def start(kind: str) -> tuple[subprocess.Popen[str], int, str]:
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(tmp_path), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert starter.stdout is not None
        pid, folder = json.loads(starter.stdout.readline())
        return starter, pid, folder

    return start


Start = Callable[[str], tuple[subprocess.Popen[str], int, str]]


def end(starter: subprocess.Popen[str]) -> None:
    starter.kill()
    starter.communicate()


def test_a_kernel_of_others_ends_when_its_starter_is_killed(start: Start) -> None:
    starter, pid, folder = start("ends")
    wait_for(lambda: len(find_marked(MARK, folder)) == 3, "kernel, its child, the guard")
    end(starter)
    wait_for(lambda: find_marked(MARK, folder) == [], "the end of all")
    assert identify(pid) is None
    wait_for(lambda: not os.path.exists(folder), "the end of its folder")  # noqa: PTH110


def test_the_guard_ends_as_soon_as_others_can_find_the_kernel(start: Start) -> None:
    starter, pid, folder = start("outlives")
    try:
        wait_for(lambda: len(find_marked(MARK, folder)) == 2, "kernel and its child alone")
        end(starter)
        assert psutil.Process(pid).is_running()
    finally:
        for each in find_marked(MARK, folder):
            psutil.Process(each).kill()


def test_the_guard_ends_with_its_kernel(start: Start) -> None:
    starter, _, folder = start("ends")
    try:
        wait_for(lambda: len(find_marked(MARK, folder)) == 3, "kernel, its child, the guard")
        marked = [psutil.Process(each) for each in find_marked(MARK, folder)]
        for process in [each for each in marked if "--guard" not in each.cmdline()]:
            with contextlib.suppress(psutil.NoSuchProcess):  # the guard may be quicker
                process.kill()
        wait_for(lambda: find_marked(MARK, folder) == [], "the end of the guard")
    finally:
        end(starter)
