"""Floors of a kernel: its start, a round trip, a flood drained; ours beside bare jupyter_client.

    python benchmarks/kernel_floor.py [--lines N] [--rounds N]

Rounds are interleaved, so that a busy machine is busy for both. Prints medians, and the best,
which others on the machine disturb least. `page` is how late the loop is while it drains. The
start is measured from before our spawn to the first reply, with both sides' imports done.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.manager import start_new_kernel

from codeexec.kernels.base import (
    ExecuteCall,
    Finished,
    Kernel,
    KernelChoice,
    KernelEvent,
    StreamWritten,
)
from codeexec.kernels.factory import Kernels

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FLOOD = "for i in range({lines}): print(i, 'x' * 60)"
TRIPS = 50
PAGE_EVERY = 0.01
Times = dict[str, float]


class Drain:
    """Counts what a kernel says, discards it, and waits for ends."""

    def __init__(self) -> None:
        self.characters = 0
        self._ended = asyncio.Event()

    def sink(self, events: Sequence[KernelEvent]) -> None:
        for event in events:
            if isinstance(event, StreamWritten):
                self.characters += len(event.text)
            elif isinstance(event, Finished):
                self._ended.set()

    async def run(self, kernel: Kernel, code: str) -> float:
        self._ended.clear()
        start = time.perf_counter()
        kernel.execute(ExecuteCall(f"exec-{start}", code))
        await self._ended.wait()
        return time.perf_counter() - start


@asynccontextmanager
async def page_asker(waits: list[float]) -> AsyncIterator[None]:
    """Asks the loop for its attention now and then, and notes how long it had to wait: as long
    as the request of a page would."""

    async def ask() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PAGE_EVERY
            await asyncio.sleep(PAGE_EVERY)
            waits.append(loop.time() - due)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        task.cancel()


async def measure_ours(lines: int) -> Times:
    drain = Drain()
    start = time.perf_counter()
    kernel = Kernels().create(KernelChoice(str(Path.cwd())), drain.sink)
    await kernel.start()
    times = {"start": time.perf_counter() - start}
    try:
        await drain.run(kernel, "x = 1")
        times["trip"] = statistics.median([await drain.run(kernel, "x = 1") for _ in range(TRIPS)])
        cpu, waits = time.process_time(), list[float]()
        async with page_asker(waits):
            times["flood"] = await drain.run(kernel, FLOOD.format(lines=lines))
        times["flood cpu"] = time.process_time() - cpu
        times["page median"] = statistics.median(waits)
        times["page p99"] = statistics.quantiles(waits, n=100)[98]
        assert drain.characters > 60 * lines
    finally:
        await kernel.shutdown()
    return times


def measure_bare(lines: int) -> Times:
    start = time.perf_counter()
    manager, client = start_new_kernel()
    times = {"start": time.perf_counter() - start}

    def run(code: str) -> float:
        start = time.perf_counter()
        message_id = client.execute(code)
        client.get_shell_msg(timeout=600)
        while True:
            message = client.get_iopub_msg(timeout=600)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["content"].get("execution_state") == "idle":
                return time.perf_counter() - start

    def run_flood(code: str) -> float:
        start = time.perf_counter()
        message_id = client.execute(code)
        while True:
            message = client.get_iopub_msg(timeout=600)
            if message["parent_header"].get("msg_id") != message_id:
                continue
            if message["content"].get("execution_state") == "idle":
                client.get_shell_msg(timeout=600)
                return time.perf_counter() - start

    try:
        run("x = 1")
        times["trip"] = statistics.median([run("x = 1") for _ in range(TRIPS)])
        cpu = time.process_time()
        times["flood"] = run_flood(FLOOD.format(lines=lines))
        times["flood cpu"] = time.process_time() - cpu
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    ours, bare = list[Times](), list[Times]()
    for _ in range(arguments.rounds):
        bare.append(measure_bare(arguments.lines))
        ours.append(asyncio.run(measure_ours(arguments.lines)))
    for word, pick in (("median", statistics.median), ("best", min)):
        print(f"{word + ' of ' + str(arguments.rounds):14} {'ours':>10} {'bare':>10} {'ratio':>7}")
        for name in ours[0]:
            mine = pick(times[name] for times in ours)
            said = f"{name:14} {mine * 1000:8.1f}ms"
            if name in bare[0]:
                other = pick(times[name] for times in bare)
                said += f" {other * 1000:8.1f}ms {mine / other:6.2f}x"
            print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
