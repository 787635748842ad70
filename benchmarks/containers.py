"""A kernel of this machine beside one in a container: ready, round trip, flood, interrupt, restart.

    python benchmarks/containers.py [--rounds N] [--lines N] [--policy TEXT] [--engine NAME]

Both by our own Kernel, in interleaved rounds, so that a busy machine is busy for both; the first
round of each warms the page cache and is not counted. Prints medians over the rounds (p50 and p95
of the round trip over all of them) and which ipykernel answered where.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence

from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    Kernel,
    KernelChoice,
    KernelEvent,
    StreamWritten,
)
from codeexec.kernels.docker.containers import ContainerSettings
from codeexec.kernels.factory import Kernels

TRIPS = 200
VERSIONS = "import ipykernel, sys; print(ipykernel.__version__, 'Python', sys.version.split()[0])"


class Listener:
    """Keeps what a kernel says until somebody has waited for it."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.ended: set[str] = set()
        self._news = asyncio.Event()

    def sink(self, events: Sequence[KernelEvent]) -> None:
        for event in events:
            if isinstance(event, StreamWritten):
                self.text.append(event.text)
            elif isinstance(event, Finished):
                self.ended.add(event.execution)
        self._news.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            self._news.clear()
            await self._news.wait()


async def run(kernel: Kernel, listener: Listener, code: str) -> float:
    """Seconds until the execution has ended."""
    started = time.perf_counter()
    execution = f"exec-{started}"
    kernel.execute(ExecuteCall(execution, code))
    await listener.until(lambda: execution in listener.ended)
    return time.perf_counter() - started


async def interrupt(kernel: Kernel, listener: Listener) -> float:
    """Seconds from the interrupt to the end of an endless loop."""
    listener.text.clear()
    kernel.execute(ExecuteCall("endless", "print('on', flush=True)\nwhile True: pass"))
    await listener.until(lambda: bool(listener.text))
    started = time.perf_counter()
    await kernel.interrupt()
    await listener.until(lambda: "endless" in listener.ended)
    return time.perf_counter() - started


async def measure(kernels: Kernels, choice: KernelChoice, lines: int) -> dict[str, list[float]]:
    """Seconds, by what was done."""
    listener = Listener()
    started = time.perf_counter()
    kernel = kernels.create(choice, listener.sink)
    await kernel.start()
    times = {"ready": [time.perf_counter() - started]}
    try:
        await run(kernel, listener, "x = 1")
        times["trip"] = [await run(kernel, listener, "x = 1") for _ in range(TRIPS)]
        listener.text.clear()
        code = f"for i in range({lines}): print(i, 'x' * 60)"
        times["flood"] = [await run(kernel, listener, code)]
        # What the last cell wrote may come a moment after its end.
        await listener.until(lambda: sum(t.count("\n") for t in listener.text) == lines)
        times["interrupt"] = [await interrupt(kernel, listener)]
        started = time.perf_counter()
        await kernel.restart()
        times["restart"] = [time.perf_counter() - started]
        listener.text.clear()
        await run(kernel, listener, VERSIONS)
    finally:
        await kernel.shutdown()
    print(f"  {choice.backend}: ipykernel {''.join(listener.text).strip()}", flush=True)
    return times


async def compare(rounds: int, lines: int, policy: str, engine: str) -> None:
    kernels = Kernels(containers=lambda: ContainerSettings(engine, policy=policy))
    found: dict[str, dict[str, list[float]]] = {"local": {}, "docker": {}}
    with tempfile.TemporaryDirectory(prefix="codeexec-bench-") as folder:
        if os.geteuid() == 0:
            os.chown(folder, 1000, 1000)  # by number: nobody of that name need be there
        for number in range(rounds + 1):
            print(f"round {number}" if number else "warm up")
            for backend, kept in found.items():
                times = await measure(kernels, KernelChoice(folder, backend=backend), lines)
                for name, values in times.items():
                    if number:
                        kept.setdefault(name, []).extend(values)
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cpus, policy {policy}, {rounds} rounds")
    print(f"{'':<26}{'local':>10}{'docker':>10}{'ratio':>8}")
    rows: list[tuple[str, str, Callable[[list[float]], float], float, str]] = [
        ("ready", "ready", statistics.median, 1, "s"),
        ("round trip p50", "trip", statistics.median, 1e3, "ms"),
        ("round trip p95", "trip", lambda v: statistics.quantiles(v, n=20)[18], 1e3, "ms"),
        (f"{lines:,} printed lines", "flood", statistics.median, 1, "s"),
        ("interrupt", "interrupt", statistics.median, 1e3, "ms"),
        ("restart", "restart", statistics.median, 1, "s"),
    ]
    for title, name, of, scale, unit in rows:
        here, there = of(found["local"][name]) * scale, of(found["docker"][name]) * scale
        print(f"{title + ', ' + unit:<26}{here:>10.2f}{there:>10.2f}{there / here:>7.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--policy", default="locked")
    parser.add_argument("--engine", default="auto")
    said = parser.parse_args()
    asyncio.run(compare(said.rounds, said.lines, said.policy, said.engine))


if __name__ == "__main__":
    main()
