"""What every import on the ways of the client, the server and `run` costs, as a table.

    python benchmarks/imports.py [--rounds N] [--json] [--least MS]

Each way is a fresh interpreter that imports what that process imports before its first work
(`-X importtime`). The first table is the whole of each way: wall time of the interpreter with
the imports, less that of an empty one (median of the rounds, taken in turn). The others list
the modules of a way by the time of their own code, ours and others'.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

WAYS: dict[str, str] = {
    "client: spawn a server": "import codeexec.client.spawn",
    "client: of a socket": "import asyncio, codeexec.client.socket",
    "server: until the socket is bound": "import codeexec.server.start, codeexec.kernels.early",
    "server: all before serving": (
        "import codeexec.server.start, codeexec.kernels.early, codeexec.server.main,"
        " codeexec.kernels.factory, codeexec.config.load"
    ),
    "server: HTTP, at the first request": (
        "import codeexec.server.main, codeexec.server.http.timed_protocol, codeexec.server.rest.app"
    ),
    "run: the engine in this process": "import codeexec.client.embedded, codeexec.kernels.factory",
    "beside: websockets' client": "import asyncio, websockets.asyncio.client",
    "beside: FastAPI": "import fastapi",
    "beside: jupyter_client": "import jupyter_client",
    "beside: textual.app": "import textual.app",
}

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s*(\S+)")


@dataclass(frozen=True)
class Cost:
    """Milliseconds: `own` of a package's own code, over `modules` modules."""

    package: str
    own: float
    modules: int


def run(code: str, *options: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True
    )
    return (time.perf_counter() - began) * 1000, done.stderr


def package_of(module: str) -> str:
    """`codeexec` by its rooms, all else by its top."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "codeexec" else parts[0]


def costs(code: str) -> list[Cost]:
    """What each package costs on this way, dearest first."""
    _, said = run(code, "-X", "importtime")
    own: dict[str, float] = {}
    count: dict[str, int] = {}
    for found in _LINE.finditer(said):
        package = package_of(found[3])
        own[package] = own.get(package, 0.0) + int(found[1]) / 1000
        count[package] = count.get(package, 0) + 1
    found_costs = [Cost(package, round(ms, 2), count[package]) for package, ms in own.items()]
    return sorted(found_costs, key=lambda cost: -cost.own)


def totals(rounds: int) -> dict[str, float]:
    """Median milliseconds of each way above an empty interpreter; the rounds are interleaved."""
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    empty: list[float] = []
    for _ in range(rounds):
        empty.append(run("pass")[0])
        for name, code in WAYS.items():
            taken[name].append(run(code)[0])
    base = statistics.median(empty)
    found = {name: statistics.median(times) - base for name, times in taken.items()}
    return {"an empty interpreter": base, **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--least", type=float, default=1.0, help="leave out what costs less (ms)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    whole = totals(options.rounds)
    parts = {name: costs(code) for name, code in WAYS.items() if not name.startswith("beside")}
    if options.json:
        told = {name: [asdict(cost) for cost in found] for name, found in parts.items()}
        print(json.dumps({"totals": whole, "packages": told}, indent=2))
        return
    print(f"{'way':<40} {'ms':>7}")
    for name, ms in whole.items():
        print(f"{name:<40} {ms:7.1f}")
    for name, found in parts.items():
        print(f"\n{name}\n{'  package':<40} {'own ms':>7} {'modules':>8}")
        for cost in found:
            if cost.own >= options.least:
                print(f"  {cost.package:<38} {cost.own:7.1f} {cost.modules:8}")


if __name__ == "__main__":
    main()
