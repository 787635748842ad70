"""C++ programs beside their bare compiler and binary: build, second run, errors, a flood of lines.

python benchmarks/programs.py [ROUNDS]

`bare` and ours are interleaved, and medians are printed, each with its limit. A compiler on PATH
counts its starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

from codeexec import open_session
from codeexec.domain.events import ExecutionFinished
from codeexec.domain.options import ProgramOptions
from codeexec.kernels.process.steps.build import plan_program
from codeexec.languages.catalog import by_name
from codeexec.languages.plan import PlanOptions

COMMAND = (str(Path(sys.executable).parent / "codeexec-tui"),)
ANSI = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
SMALL = '#include <iostream>\nint main() { std::cout << "hello\\n"; }\n'
FLOOD = '#include <cstdio>\nint main() { for (int n = 0; n < 1000000; n++) puts("line"); }\n'


def seconds_of(command: tuple[str, ...], folder: Path) -> float:
    """Of one run with pipes."""
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return time.perf_counter() - began


def interleaved(rounds: int, *timed: Callable[[], float]) -> list[float]:
    """Medians in ms; a first round is not counted."""
    times = [[call() for call in timed] for _ in range(rounds + 1)][1:]
    return [statistics.median(column) * 1000 for column in zip(*times, strict=True)]


def drain_terminal(binary: str) -> float:
    """Seconds of a program on a pseudo-terminal whose output is read and thrown away."""
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    began = time.perf_counter()
    process = subprocess.Popen([binary], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        while os.read(master, 1 << 16):
            pass
    except OSError:
        pass  # Linux: the program has ended
    process.wait()
    os.close(master)
    return time.perf_counter() - began


def drain_pipe(command: tuple[str, ...], folder: Path) -> float:
    """The same through a pipe."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        while os.read(process.stdout.fileno(), 1 << 16):
            pass
    return time.perf_counter() - began


def count_starts(folder: Path) -> Path:
    """A g++ before others on PATH, which writes a line to the returned file when it starts."""
    real = shutil.which("g++")
    tool = folder / "bin" / "g++"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho >> "{folder}/starts"\nexec {real} "$@"\n')
    tool.chmod(0o755)
    os.environ["PATH"] = f"{tool.parent}:{os.environ['PATH']}"
    return folder / "starts"


def difference(more: float, limit: float) -> str:
    """Milliseconds more than bare, beside the limit."""
    return f"ours {more:+.0f} ms (limit {limit:.0f})"


def errors_on_screen(folder: Path) -> float:
    """Milliseconds from the end of a compiler that reports 200 errors until the workbench, in a
    terminal, shows their number."""
    ended = folder / "ended"
    tool = folder / "timed-g++"
    real = shutil.which("g++")
    tool.write_text(f'#!/bin/sh\n{real} "$@"\nstatus=$?\ndate +%s.%N > {ended}\nexit $status\n')
    tool.chmod(0o755)
    lines = "".join(f"  undeclared{number};\n" for number in range(200))
    (folder / "errors.cpp").write_text(f"int main() {{\n{lines}}}\n")
    state = Path(tempfile.mkdtemp(dir=folder))
    configuration = {str(folder / "errors.cpp"): {"compiler": str(tool)}}
    (state / "codeexec-tui").mkdir(parents=True, exist_ok=True)
    (state / "codeexec-tui" / "run-configurations.json").write_text(json.dumps(configuration))
    # Its server ends with its last session.
    own = {"XDG_STATE_HOME": str(state), "CODEEXEC_SESSIONS_IDLE_HOST": "1"}
    environ = {**os.environ, **own, "TERM": "xterm-256color"}
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(COMMAND[0], [*COMMAND, "--session", "errors", "errors.cpp"], environ)
    try:
        termios.tcsetwinsize(master, (40, 120))
        await_text(master, b"Build & Run")
        ended.unlink(missing_ok=True)
        os.write(master, b"\x1b[15~")  # F5
        await_text(master, b"200")
        return (time.time() - float(ended.read_text())) * 1000
    finally:
        os.kill(pid, signal.SIGHUP)
        end_terminal(pid, master)
        stop = (*COMMAND, "sessions", "stop", "errors")
        subprocess.run(stop, env=environ, capture_output=True, check=False)


def end_terminal(pid: int, master: int) -> None:
    """Read until the process has ended; it is killed after 10 s."""
    until = time.monotonic() + 10
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        if select.select([master], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):
                os.read(master, 1 << 16)
    os.close(master)


def await_text(terminal: int, text: bytes) -> None:
    """Read until the text was written. TimeoutError after 30 s."""
    shown = b""
    until = time.monotonic() + 30
    while text not in shown:
        if not select.select([terminal], [], [], max(until - time.monotonic(), 0))[0]:
            raise TimeoutError(f"{text!r} was not written")
        shown += ANSI.sub(b"", os.read(terminal, 1 << 16))


def command_line(rounds: int, folder: Path) -> None:
    source = folder / "small.cpp"
    source.write_text(SMALL)
    program = plan_program(by_name("cpp"), "small.cpp", folder, os.environ, PlanOptions())
    bare = program.plan.build
    bare_ms, ours_ms = interleaved(
        rounds,
        lambda: seconds_of(bare, folder),
        lambda: seconds_of((*COMMAND, "build", "--no-cache", "small.cpp"), folder),
    )
    print(f"build: bare {bare_ms:.0f} ms, {difference(ours_ms - bare_ms, 60)}")
    starts = count_starts(folder)
    seconds_of((*COMMAND, "run", "small.cpp"), folder)
    before = len(starts.read_text().splitlines())
    binary = str(program.folder.program) if program.folder is not None else ""
    bare_ms, ours_ms = interleaved(
        rounds,
        lambda: seconds_of((binary,), folder),
        lambda: seconds_of((*COMMAND, "run", "small.cpp"), folder),
    )
    print(f"second run: bare {bare_ms:.0f} ms, {difference(ours_ms - bare_ms, 150)}")
    after = len(starts.read_text().splitlines())
    print(f"compilers started: {before} for the first run, {after - before} for {rounds + 1} more")


async def in_session(rounds: int, folder: Path) -> str:
    """Returns the path of the program that prints the flood."""
    options = ProgramOptions("small.cpp", steps="build", rebuild=True)
    plan = plan_program(by_name("cpp"), "small.cpp", folder, os.environ, PlanOptions())
    (folder / "flood.cpp").write_text(FLOOD)
    async with open_session(cwd=folder) as session:
        bare, ours = [], []
        for number in range(rounds + 1):
            alone = seconds_of(plan.plan.build, folder)
            began = time.perf_counter()
            result = await session.run("", kernel="programs:cpp", program=options)
            taken = time.perf_counter() - began
            assert result.is_success, result
            if number:
                bare.append(alone * 1000)
                ours.append(taken * 1000)
        more = statistics.median(ours) - statistics.median(bare)
        bare_ms = statistics.median(bare)
        print(f"build in a session: bare {bare_ms:.0f} ms, {difference(more, 30)}")

        flood = ProgramOptions("flood.cpp")
        first = await session.run("", kernel="programs:cpp", program=flood)
        binary = first.steps[-1].command[-1]
        ratios = []
        for _ in range(5):
            alone = await asyncio.to_thread(drain_terminal, binary)
            began = time.perf_counter()
            # Until it is settled, and without a list of its rows.
            async for record in session.stream("", kernel="programs:cpp", program=flood):
                if isinstance(record.event, ExecutionFinished):
                    assert record.event.status == "ok", record
            ratios.append((time.perf_counter() - began) / alone)
        ratio = statistics.median(ratios)
        print(f"1,000,000 lines on a terminal: {ratio:.2f} of bare (limit 1.25)")
    return binary


def through_pipe(binary: str, folder: Path) -> None:
    subprocess.run((*COMMAND, "run", "flood.cpp"), cwd=folder, stdout=subprocess.DEVNULL)
    ratios = []
    for _ in range(5):
        alone = drain_pipe((binary,), folder)
        ratios.append((drain_pipe((*COMMAND, "run", "flood.cpp"), folder) - alone) * 1000)
    print(f"1,000,000 lines through a pipe: {statistics.median(ratios):.0f} ms more than bare")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = name
        command_line(rounds, folder)
        binary = asyncio.run(in_session(rounds, folder))
        through_pipe(binary, folder)
        shown = statistics.median(errors_on_screen(folder) for _ in range(5))
        print(f"200 errors on screen: {shown:.0f} ms after the compiler ended (limit 100)")


if __name__ == "__main__":
    main()
