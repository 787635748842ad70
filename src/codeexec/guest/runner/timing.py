"""How long code takes: `%time`, `%timeit` and their kin for cells."""

from __future__ import annotations

import os
import time
import timeit
from typing import TYPE_CHECKING, Any

from codeexec.guest.runner.errors import UsageError

if TYPE_CHECKING:
    from codeexec.guest.runner.console import CellConsole

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def timed(console: CellConsole, code: str) -> Any:
    """Run code and print how long it took; the value of its last line."""
    before, start = os.times(), time.perf_counter()
    try:
        return console.run_source(code)
    finally:
        wall, after = time.perf_counter() - start, os.times()
        user, system = after[0] - before[0], after[1] - before[1]
        print(f"CPU times: user {seconds(user)}, sys: {seconds(system)}, "
              f"total: {seconds(user + system)}\nWall time: {seconds(wall)}")  # fmt: skip


def measured(console: CellConsole, rest: str, body: str) -> Any:
    """Run code many times and print how long it takes; `rest` has options and the statement, or
    the setup of a cell with this `body`."""
    loops, runs, flags, code = timeit_options(rest)
    statement, setup = (code, "pass") if body == "pass" else (body, code or "pass")
    timer = timeit.Timer(statement, setup, globals=console.user)
    if not loops:
        loops = timer.autorange()[0]
    times = [each / loops for each in timer.repeat(runs, loops)]
    mean = sum(times) / len(times)
    spread = (sum((each - mean) ** 2 for each in times) / len(times)) ** 0.5
    if "q" not in flags:
        counts = f"{plural(runs, 'run')}, {plural(loops, 'loop')} each"
        per_loop = f"{seconds(mean)} ± {seconds(spread)} per loop"
        print(f"{per_loop} (mean ± std. dev. of {counts})")
    return times if "o" in flags else None


def timeit_options(rest: str) -> tuple[int, int, str, str]:
    """Loops (0: as many as it takes), runs, flags, and the code behind them."""
    loops, runs, flags = 0, 7, ""
    words = rest.split(" ")
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option[1:2] in ("n", "r"):
            number = option[2:] or (words.pop(0) if words else "")
            if not number.isdigit() or not int(number):
                raise UsageError(f"{option} needs a number above 0.")
            if option[1] == "n":
                loops = int(number)
            else:
                runs = int(number)
        else:
            flags += option[1:]
    return loops, runs, flags, " ".join(words)


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def seconds(value: float) -> str:
    for unit, name in UNITS:
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value * 1e9:.3g} ns"
