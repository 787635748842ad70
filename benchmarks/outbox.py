"""Costs of the outbox: the same kernels with it and without it, in one interleaved run.

    python benchmarks/outbox.py [--rounds N] [--lines N] [--flushed N]

Prints medians of both and their ratio (with / without): wall time and CPU time of the kernel for
a flood of plain prints, for prints that are flushed one by one, and the wall time of a start. The
kernel without an outbox runs the same launcher beside an `outbox.py` that installs nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from codeexec.domain.events import KernelRef
from codeexec.kernels.base import ExecuteCall, Finished, KernelEvent, Reached
from codeexec.kernels.jupyter import launch
from codeexec.kernels.jupyter.kernel import JupyterKernel
from codeexec.kernels.jupyter.process import LocalProcess

PLAIN = "for i in range({lines}): print(i)"
FLUSHED = "for i in range({lines}): print(i, flush=True)"
NOTHING = "def install(app):\n    return False\n"

Samples = dict[str, list[float]]


class Subject:
    """One kernel, with an outbox or without, that is acknowledged as a session does."""

    def __init__(self, guest: Path, cwd: Path) -> None:
        self._launcher = str(guest / "launch.py")
        self._cwd = str(cwd)
        self._ended = asyncio.Event()
        self._count = 0
        self.kernel = JupyterKernel(
            KernelRef("benchmark"), LocalProcess(self._spawn), self._sink, primed=True
        )

    async def _spawn(self) -> launch.Spawned:
        argv = [sys.executable, self._launcher, "-f", "{connection_file}"]
        return launch.spawn(argv, self._cwd, {})

    def _sink(self, events: Sequence[KernelEvent]) -> None:
        for event in events:
            if isinstance(event, Finished):
                self._ended.set()
            elif isinstance(event, Reached):
                outbox = self.kernel.capabilities.outbox
                assert outbox is not None
                outbox.acknowledge(event)

    async def start(self) -> float:
        began = time.perf_counter()
        await self.kernel.start()
        return time.perf_counter() - began

    async def run(self, code: str) -> tuple[float, float]:
        """Seconds on the clock, and of the kernel's CPU."""
        assert self.kernel.pid is not None
        process = psutil.Process(self.kernel.pid)
        before, began = process.cpu_times(), time.perf_counter()
        self._count += 1
        self._ended.clear()
        self.kernel.execute(ExecuteCall(f"exec-{id(self)}-{self._count}", code))
        await self._ended.wait()
        wall, after = time.perf_counter() - began, process.cpu_times()
        return wall, after.user + after.system - before.user - before.system


async def measure(rounds: int, lines: int, flushed: int) -> dict[str, Samples]:
    """By what is measured, then by kernel (`with`, `without`): one sample a round."""
    names = ("start", "plain, wall", "plain, CPU", "flushed, wall", "flushed, CPU")
    samples: dict[str, Samples] = {name: {"with": [], "without": []} for name in names}
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder, "guest")
        shutil.copytree(launch.GUEST, bare)
        (bare / "outbox.py").write_text(NOTHING)
        guests = {"with": Path(launch.GUEST), "without": bare}
        for guest in guests.values():  # compiles what is compiled once
            subject = Subject(guest, Path(folder))
            await subject.start()
            await subject.kernel.shutdown()
        for number in range(rounds):
            subjects = {name: Subject(guest, Path(folder)) for name, guest in guests.items()}
            order = random.sample(sorted(subjects), len(subjects))
            for name in order:
                samples["start"][name].append(await subjects[name].start())
            for kind, code in (("plain", PLAIN.format(lines=lines)), ("flushed", FLUSHED)):
                for name in order:
                    wall, cpu = await subjects[name].run(code.format(lines=flushed))
                    samples[f"{kind}, wall"][name].append(wall)
                    samples[f"{kind}, CPU"][name].append(cpu)
            for subject in subjects.values():
                await subject.kernel.shutdown()
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return samples


def report(samples: dict[str, Samples]) -> str:
    lines = [f"{'':16}{'with':>9}{'without':>9}{'ratio':>8}{'paired':>8}"]
    for name, by_kernel in samples.items():
        some, none = by_kernel["with"], by_kernel["without"]
        paired = statistics.median(a / b for a, b in zip(some, none, strict=True))
        medians = statistics.median(some), statistics.median(none)
        lines.append(
            f"{name:16}{medians[0]:8.3f}s{medians[1]:8.3f}s"
            f"{medians[0] / medians[1]:8.3f}{paired:8.3f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--flushed", type=int, default=20_000)
    arguments = parser.parse_args()
    print(report(asyncio.run(measure(arguments.rounds, arguments.lines, arguments.flushed))))


if __name__ == "__main__":
    main()
