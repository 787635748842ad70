"""The pseudo-terminals of every environment, with the programs that people use in them.

The relay of containers runs on this machine here, as a container for each test takes a second; one
test goes through a real container.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from codeexec.domain.errors import Denied, EnvironmentUnavailable, UsageError
from codeexec.environments.base import Environment, InputWait, TerminalHandle, TerminalSize
from codeexec.environments.docker.engine import Engine
from codeexec.environments.docker.environment import ContainerPlan, DockerEnvironment
from codeexec.environments.holder.terminal import terminal_env
from codeexec.environments.local import LocalEnvironment
from codeexec.environments.processes import start
from codeexec.environments.relay.boot import boot_arguments, relay_source
from codeexec.environments.relay.connection import RelayConnection
from support.containers import ENGINE, IMAGE, require_engine, until
from support.jupyter_servers import SERVER_SECONDS, served_place

DEADLINE = 90.0
SERVED = pytest.param("server", marks=[pytest.mark.slow, pytest.mark.timeout(SERVER_SECONDS)])


class Place(Protocol):
    """The part of an Environment that these tests are about."""

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = ...,
        env: Mapping[str, str] | None = None,
    ) -> TerminalHandle: ...

    async def terminate(self) -> None: ...


class RelayPlace:
    """A relay that runs on this machine."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace

    async def begin(self) -> None:
        self._child = await start([sys.executable, *boot_arguments()])
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(relay_source())
        self.wire = RelayConnection(self._child.stdout, self._child.stdin)
        self._running = asyncio.create_task(self.wire.run())
        await asyncio.wait_for(self.wire.hello, DEADLINE)

    async def open_terminal(
        self,
        command: Sequence[str],
        *,
        size: TerminalSize = TerminalSize(),  # noqa: B008  # frozen
        env: Mapping[str, str] | None = None,
    ) -> TerminalHandle:
        variables = terminal_env({}, env or {})
        return await self.wire.open_terminal(
            command, size=size, cwd=str(self._workspace), env=variables
        )

    async def terminate(self) -> None:
        await self._child.end()
        await self._running


@pytest.fixture(params=["local", "relay", SERVED])
async def place(request: pytest.FixtureRequest, workspace: Path) -> AsyncIterator[Place]:
    if request.param == "server":
        server, root = request.getfixturevalue("served_folder")
        async with served_place(server, root) as served:
            yield served
        return
    async with own_place(request.param, workspace) as own:
        yield own


@pytest.fixture(params=["local", "relay"])
async def exact_place(request: pytest.FixtureRequest, workspace: Path) -> AsyncIterator[Place]:
    """A place that passes every byte on, and looks at processes: Jupyter servers do neither."""
    async with own_place(request.param, workspace) as own:
        yield own


@asynccontextmanager
async def own_place(kind: str, workspace: Path) -> AsyncIterator[Place]:
    if kind == "local":
        local = LocalEnvironment(workspace)
        yield local
        await local.terminate()
        return
    relay = RelayPlace(workspace)
    await relay.begin()
    yield relay
    await relay.terminate()


class Screen:
    """Everything that a terminal has written, for one reader that waits for what it needs."""

    def __init__(self, terminal: TerminalHandle) -> None:
        self.terminal = terminal
        self.text = b""
        """What was read and not asked for yet."""
        self._chunks: AsyncIterator[bytes] = aiter(terminal.output)

    async def until(self, expected: bytes) -> bytes:
        """What came up to and with `expected`; the rest is kept for the next call."""
        async with asyncio.timeout(DEADLINE):
            while expected not in self.text:
                self.text += await anext(self._chunks)
        seen, mark, self.text = self.text.partition(expected)
        return seen + mark

    async def rest(self) -> bytes:
        async with asyncio.timeout(DEADLINE):
            async for chunk in self._chunks:
                self.text += chunk
        return self.text

    async def type(self, text: str) -> None:
        await self.terminal.write(text.encode())


async def open_bash(place: Place, size: TerminalSize | None = None) -> Screen:
    """A bash without start-up files, whose prompt was shown."""
    command = ["bash", "--norc", "--noprofile", "-i"]
    terminal = await place.open_terminal(
        command, size=size or TerminalSize(), env={"PS1": "ready> ", "HISTFILE": ""}
    )
    screen = Screen(terminal)
    await screen.until(b"ready> ")
    return screen


async def open_command(place: Place, script: str) -> Screen:
    return Screen(await place.open_terminal(["sh", "-c", script]))


async def test_a_terminal_has_the_size_that_it_was_given_and_is_resized(
    place: Place,
) -> None:
    screen = await open_bash(place, TerminalSize(columns=91, rows=33))
    await screen.type("stty size; tty; echo $TERM.$COLUMNS\n")
    seen = await screen.until(b"xterm-256color.91\r\n")
    assert b"33 91\r\n" in seen
    assert b"/dev/pts/" in seen
    await screen.terminal.resize(TerminalSize(columns=40, rows=9))
    await screen.type("stty size\n")
    await screen.until(b"9 40\r\n")
    await screen.terminal.kill()


async def test_a_program_is_told_of_a_resize(place: Place) -> None:
    script = "trap 'stty size' WINCH; echo up; while :; do sleep 0.02; done"
    screen = Screen(await place.open_terminal(["bash", "-c", script]))
    await screen.until(b"up\r\n")
    await screen.terminal.resize(TerminalSize(columns=101, rows=11))
    await screen.until(b"11 101\r\n")
    await screen.terminal.kill()


async def test_control_c_ends_the_program_in_the_foreground_and_not_its_shell(
    place: Place,
) -> None:
    screen = await open_bash(place)
    await screen.type("sh -c 'echo begin; exec sleep 1000'\n")
    await screen.until(b"begin\r\n")
    await screen.type("\x03")
    await screen.until(b"ready> ")
    await screen.type("echo status=$?\n")
    await screen.until(b"status=130\r\n")
    await screen.terminal.kill()


async def test_jobs_are_stopped_and_continued(place: Place) -> None:
    screen = await open_bash(place)
    await screen.type("sh -c 'echo begin; exec sleep 1000'\n")
    await screen.until(b"begin\r\n")
    await screen.type("\x1a")
    await screen.until(b"Stopped")
    await screen.until(b"ready> ")
    await screen.type("kill %1; wait; echo o'v'er\n")
    await screen.until(b"over\r\n")
    await screen.terminal.kill()


async def test_a_signal_reaches_the_program_in_the_foreground(place: Place) -> None:
    screen = await open_bash(place)
    script = "trap 'echo got-it; exit 5' USR1; echo up; while :; do sleep 0.05; done"
    await screen.type(f'bash -c "{script}"; echo code=$?\n')
    await screen.until(b"up\r\n")
    await screen.terminal.signal(signal.SIGUSR1)
    assert b"got-it" in await screen.until(b"code=5\r\n")
    await screen.terminal.kill()


async def test_control_d_is_the_end_of_input(place: Place) -> None:
    screen = Screen(await place.open_terminal(["cat"]))
    await screen.type("line\n")
    await screen.until(b"line\r\nline\r\n")
    await screen.type("\x04")
    assert (await screen.terminal.wait()).code == 0
    assert await screen.rest() == b""


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", -9)])
async def test_the_end_is_known_with_the_last_output(place: Place, script: str, code: int) -> None:
    screen = await open_command(place, f"echo last words; {script}")
    assert screen.terminal.poll() is None or screen.terminal.poll()
    end = await asyncio.wait_for(screen.terminal.wait(), DEADLINE)
    assert end.code == code
    assert screen.terminal.poll() == end
    assert await screen.rest() == b"last words\r\n"


async def test_a_program_that_closes_its_terminal_is_not_hung_up(place: Place) -> None:
    """coreutils close their streams before they exit; then no process has the terminal open."""
    code = "import os, time\nfor n in range(3): os.close(n)\ntime.sleep(0.3)\nos._exit(4)"
    terminal = await place.open_terminal([sys.executable, "-S", "-c", code])
    screen = Screen(terminal)
    assert await screen.rest() == b""
    assert (await asyncio.wait_for(terminal.wait(), DEADLINE)).code == 4


async def test_a_program_opens_its_terminal_again(place: Place) -> None:
    code = (
        "import os, time\nfor n in range(3): os.close(n)\ntime.sleep(0.2)\n"
        "os.write(os.open('/dev/tty', os.O_RDWR), b'again')\nos._exit(0)"
    )
    screen = Screen(await place.open_terminal([sys.executable, "-S", "-c", code]))
    assert await screen.rest() == b"again"


async def test_writing_after_the_end_is_a_broken_pipe(place: Place) -> None:
    screen = await open_command(place, "exit 0")
    await screen.rest()
    await screen.terminal.wait()
    with pytest.raises(BrokenPipeError):
        async with asyncio.timeout(DEADLINE):
            while True:  # a container is told a moment later
                await screen.terminal.write(b"x")
                await asyncio.sleep(0)
    await screen.terminal.resize(TerminalSize(10, 10))
    await screen.terminal.signal(signal.SIGINT)
    await screen.terminal.kill()


async def test_all_bytes_come_through_both_ways(exact_place: Place) -> None:
    """Raw mode: nothing is translated, echoed or eaten on the way."""
    command = ["sh", "-c", "stty raw -echo; echo ready; head -c 51200 | od -An -v -tu1 -w1"]
    screen = Screen(await exact_place.open_terminal(command))
    await screen.until(b"ready\n")
    data = bytes(range(256)) * 200
    writing = asyncio.create_task(screen.terminal.write(data))
    assert [int(number) for number in (await screen.rest()).split()] == list(data)
    await writing


async def test_a_flood_is_whole_and_waits_for_its_reader(place: Place) -> None:
    screen = await open_command(place, "seq 300000; echo the end")
    other = await open_command(place, "echo fine")
    assert await other.rest() == b"fine\r\n"
    assert screen.terminal.poll() is None  # 2 MB are written, and nobody has read them
    lines = (await screen.rest()).split(b"\r\n")
    assert lines == [*(b"%d" % number for number in range(1, 300001)), b"the end", b""]
    assert (await screen.terminal.wait()).code == 0


async def test_a_flood_is_interrupted(place: Place) -> None:
    screen = await open_bash(place)
    await screen.type("yes | head -c 100000000; echo code=${PIPESTATUS[0]}\n")
    await screen.until(b"y\r\ny\r\n")
    await screen.type("\x03")
    await screen.until(b"ready> ")
    await screen.type("echo us'a'ble\n")
    await screen.until(b"usable\r\n")
    await screen.terminal.kill()


async def test_kill_ends_what_ignores_the_hangup(place: Place) -> None:
    one, other_one = f"sleep 1001.{os.getpid()}", f"sleep 1002.{os.getpid()}"
    script = f"trap '' HUP TERM INT; setsid sleep 20 & nohup {one} & echo pid=$$; {other_one}"
    screen = Screen(await place.open_terminal(["bash", "-c", script]))
    seen = await screen.until(b"\r\n")
    while b"pid=" not in seen:
        seen = await screen.until(b"\r\n")
    await screen.terminal.kill()
    end = screen.terminal.poll()
    assert end is not None
    assert end.code == -signal.SIGKILL
    other = await open_command(place, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    left = await other.rest()
    assert one.encode() not in left
    assert other_one.encode() not in left


async def test_a_background_process_does_not_hold_the_end_back(place: Place) -> None:
    screen = await open_command(place, "nohup sleep 20 & sleep 0.1; echo gone")
    assert b"gone\r\n" in await screen.rest()
    assert (await screen.terminal.wait()).code == 0
    await screen.terminal.kill()


async def test_ending_the_environment_ends_its_terminals(place: Place) -> None:
    screen = await open_bash(place)
    await place.terminate()
    try:
        end = await asyncio.wait_for(screen.terminal.wait(), DEADLINE)
    except EnvironmentUnavailable:
        return  # the container has gone, and everything in it
    assert end.code == -signal.SIGKILL


async def test_what_cannot_be_started_says_so(place: Place) -> None:
    with pytest.raises(EnvironmentUnavailable) as caught:
        await place.open_terminal(["no-such-command"])
    assert "no-such-command" in caught.value.message
    assert caught.value.next_step
    with pytest.raises(EnvironmentUnavailable):
        await place.open_terminal(["a\0b"])
    outcome = await open_command(place, "echo still here")
    assert await outcome.rest() == b"still here\r\n"


@pytest.mark.docker
async def test_a_shell_in_a_container(workspace: Path) -> None:
    require_engine()
    plan = ContainerPlan(IMAGE, workspace=workspace, engine=Engine(ENGINE), session="terminal")
    container: Environment = await DockerEnvironment.create(plan)
    try:
        screen = await open_bash(container, TerminalSize(columns=91, rows=33))
        await screen.type("pwd; stty size; echo $TERM\n")
        seen = await screen.until(b"xterm-256color\r\n")
        assert f"{workspace}\r\n33 91\r\n".encode() in seen
        await screen.terminal.resize(TerminalSize(columns=40, rows=9))
        await screen.type("stty size; sh -c 'echo begin; exec sleep 1000'\n")
        await screen.until(b"9 40\r\nbegin\r\n")
        await screen.type("\x03")
        await screen.until(b"ready> ")
        await screen.type("exit 7\n")
        assert (await asyncio.wait_for(screen.terminal.wait(), DEADLINE)).code == 7
        with pytest.raises(Denied):
            await container.open_terminal(["pwd"], cwd="../..")
    finally:
        await container.terminate()


async def test_a_folder_outside_is_denied(workspace: Path) -> None:
    local = LocalEnvironment(workspace)
    with pytest.raises(Denied):
        await local.open_terminal(["pwd"], cwd="../..")
    await local.terminate()


@pytest.mark.parametrize(("columns", "rows"), [(0, 24), (80, -1), (10_001, 24), (80, 1 << 40)])
def test_a_size_that_no_terminal_has_is_refused(columns: int, rows: int) -> None:
    with pytest.raises(UsageError) as caught:
        TerminalSize(columns, rows)
    assert caught.value.next_step


async def test_what_a_program_waits_for(exact_place: Place) -> None:
    script = "read word; stty -echo; read secret; echo done; sleep 600"
    screen = await open_command(exact_place, script)
    terminal = screen.terminal
    waits: list[InputWait] = []

    async def waits_anew() -> bool:
        wait = await terminal.input_wait()
        is_new = wait.kind == "reads" and wait not in waits
        waits.extend([wait] * is_new)
        return is_new

    for typed in ("a\n", "b\n"):
        await until(waits_anew)
        await screen.type(typed)
    assert [wait.is_echoing for wait in waits] == [True, False]
    await screen.until(b"done")
    assert (await terminal.input_wait()).kind == "works"
    await terminal.kill()


async def test_the_memory_of_a_program_is_known(exact_place: Place) -> None:
    code = "import sys; data = bytearray(40 << 20); sys.exit(3)"
    screen = await open_command(exact_place, f"exec {sys.executable} -c '{code}'")
    await screen.rest()
    end = await screen.terminal.wait()
    assert end.code == 3
    assert end.peak_memory is not None
    assert 40 << 20 < end.peak_memory < 400 << 20
    assert end.cpu_seconds is not None
    assert 0 < end.cpu_seconds < 60
