"""The kernel that a server starts before anybody asked: it ends when nobody comes for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from codeexec.environments.processes import identify
from support.servers import Apart, user, wait_until

QUICK = """
import os, sys
from codeexec.kernels.early import EarlyKernel
from codeexec.server import start
start.EARLY_WAIT = 0.3
begin = EarlyKernel.start
def begin_and_tell(*arguments, **options):
    early = begin(*arguments, **options)
    with open("early.new", "w") as file:
        file.write(str(early._spawned.pid))
    os.rename("early.new", "early")
    return early
EarlyKernel.start = begin_and_tell
"""
"""A server that writes the pid of its early kernel, which it soon ends, into a file."""
SLOW = "import sys\nfrom codeexec.server import start\n"
RUN = "sys.exit(start.main(sys.argv[1:]))"


def start(apart: Apart, code: str) -> subprocess.Popen[bytes]:
    first = json.dumps({"cwd": str(apart.work)})
    return subprocess.Popen(
        [sys.executable, "-c", code + RUN, "--first-session", first],
        env=apart.environ,
        cwd=apart.work,
    )


@pytest.mark.slow
async def test_an_early_kernel_that_nobody_takes_ends_while_its_server_goes_on() -> None:
    with user() as apart:
        server = start(apart, QUICK)
        told = apart.work / "early"
        await wait_until(told.exists, "the early kernel")
        kernel = int(told.read_text())
        await wait_until(lambda: identify(kernel) is None, "its end")
        await wait_until(lambda: len(apart.processes()) == 2, "the server and its holder")
        assert server.poll() is None
        server.terminate()
        assert server.wait(30) == 0


@pytest.mark.slow
async def test_an_early_kernel_ends_with_a_server_that_is_killed() -> None:
    with user() as apart:
        server = start(apart, SLOW)
        await wait_until(lambda: len(apart.processes()) == 3, "the holder and the early kernel")
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        await wait_until(lambda: not apart.processes(), "its end")
