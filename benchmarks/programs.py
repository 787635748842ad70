"""C++ programs beside their bare compiler and binary: build, second run, and a flood of lines.

python benchmarks/programs.py [ROUNDS]

`bare` and ours are interleaved, and medians are printed. A compiler on PATH counts its starts.
"""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
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
    print(f"build: bare {bare_ms:.0f} ms, ours {ours_ms:.0f} ms: {ours_ms - bare_ms:.0f} ms more")
    starts = count_starts(folder)
    seconds_of((*COMMAND, "run", "small.cpp"), folder)
    before = len(starts.read_text().splitlines())
    binary = str(program.folder.program) if program.folder is not None else ""
    bare_ms, ours_ms = interleaved(
        rounds,
        lambda: seconds_of((binary,), folder),
        lambda: seconds_of((*COMMAND, "run", "small.cpp"), folder),
    )
    more = ours_ms - bare_ms
    print(f"second run: bare {bare_ms:.0f} ms, ours {ours_ms:.0f} ms: {more:.0f} ms more")
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
        print(f"build in a session: bare {statistics.median(bare):.0f} ms: {more:.0f} ms more")

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
        print(f"1,000,000 lines on a terminal: {statistics.median(ratios):.2f} of bare")
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


if __name__ == "__main__":
    main()
