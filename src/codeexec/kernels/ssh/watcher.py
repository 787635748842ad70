"""A kernel that an earlier session server has started there: its end is watched, and signals are
passed on to it."""

from __future__ import annotations

from codeexec.environments.relay.processes import GuestProcess
from codeexec.environments.ssh.environment import SshEnvironment

_WATCH = """
import os, signal, sys, time
kernel = int(sys.argv[1])
def pass_on(number, frame):
    try:
        os.killpg(kernel, number)
    except OSError:
        pass
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, pass_on)
while True:
    try:
        os.kill(kernel, 0)
    except OSError:
        sys.exit()
    time.sleep(0.2)
"""


async def watch_kernel(environment: SshEnvironment, pid: int) -> GuestProcess:
    """A process there that stands for the kernel with this number: it ends when that one has
    ended, and passes SIGINT and SIGTERM on. EnvironmentUnavailable."""
    return await environment.wire.spawn(
        [environment.python, "-IS", "-c", _WATCH, str(pid)],
        cwd=str(environment.own_folder),
        env={},
        stdin=False,
    )
