"""The kernel that a server starts before anybody asked: it ends when nobody comes for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from support.servers import Apart, user, wait_until

QUICK = "import sys\nfrom codeexec.server import start\nstart.EARLY_WAIT = 0.3\n"
SLOW = "import sys\nfrom codeexec.server import start\n"
RUN = "sys.exit(start.main(sys.argv[1:]))"


def start(apart: Apart, code: str) -> subprocess.Popen[bytes]:
    first = json.dumps({"cwd": str(apart.work)})
    return subprocess.Popen(
        [sys.executable, "-c", code + RUN, "--first-session", first], env=apart.environ
    )


@pytest.mark.slow
async def test_an_early_kernel_that_nobody_takes_ends_while_its_server_goes_on() -> None:
    with user() as apart:
        server = start(apart, QUICK)
        await wait_until(lambda: len(apart.processes()) == 3, "the holder and the early kernel")
        await wait_until(lambda: len(apart.processes()) == 2, "its end")
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
