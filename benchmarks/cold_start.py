"""Cold start to the first result of 1+1: `codeexec-tui run` beside `jupyter console` and
`jupyter run`, interleaved in one run, so that only the ratios count.

    python benchmarks/cold_start.py [ROUNDS]
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE = 60.0
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-_])")

PROGRAM = "1+1\n"
BIN = Path(sys.executable).parent


class Timed:
    """A program in a terminal; times are seconds since it was started."""

    def __init__(self, *command: str) -> None:
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(command[0], command)
        self._seen = b""

    def until(self, pattern: bytes) -> float:
        """The time at which the pattern, without escapes, has been shown."""
        while not re.search(pattern, _ESCAPES.sub(b"", self._seen)):
            left = self.began + DEADLINE - time.perf_counter()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                raise TimeoutError(f"{pattern!r} never came: {self._seen[-500:]!r}")
            try:
                data = os.read(self._fd, 65536)
            except OSError as error:  # EIO: it has ended
                raise TimeoutError(f"{pattern!r} never came: {self._seen[-500:]!r}") from error
            if b"\x1b[6n" in data:  # prompt_toolkit waits to be told where the cursor is
                os.write(self._fd, b"\x1b[1;1R")
            self._seen += data
        return time.perf_counter() - self.began

    def type(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def end(self) -> float:
        """Until it has ended; the time at which it did."""
        while True:
            try:
                if not os.read(self._fd, 65536):
                    break
            except OSError:
                break
        os.waitpid(self.pid, 0)
        os.close(self._fd)
        return time.perf_counter() - self.began

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGHUP)
        self.end()


def ours(script: Path) -> dict[str, float]:
    timed = Timed(str(BIN / "codeexec-tui"), "run", str(script))
    first = timed.until(rb"(?m)^2\r?$")
    return {"codeexec-tui run": first, "codeexec-tui run, ended": timed.end()}


def jupyter_run(script: Path) -> dict[str, float]:
    timed = Timed(str(BIN / "jupyter"), "run", str(script))
    first = timed.until(rb"(?m)^2")
    return {"jupyter run": first, "jupyter run, ended": timed.end()}


def jupyter_console(script: Path) -> dict[str, float]:
    timed = Timed(str(BIN / "jupyter"), "console")
    timed.until(rb"In \[1\]:")
    timed.type(b"1+1\r")
    first = timed.until(rb"Out\[1\]: 2")
    timed.stop()
    return {"jupyter console": first}


def first_python(script: Path) -> dict[str, float]:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "print(1+1)"], check=True, capture_output=True)
    return {"python -c (floor)": time.perf_counter() - began}


RUNS: tuple[Callable[[Path], dict[str, float]], ...] = (
    ours,
    jupyter_console,
    jupyter_run,
    first_python,
)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "one.py")
        script.write_text(PROGRAM)
        for number in range(rounds + 1):
            for run in RUNS:
                for name, seconds in run(script).items():
                    if number:  # the first round only fills the caches of files
                        times.setdefault(name, []).append(seconds)
    base = statistics.median(times["jupyter console"])
    print(f"cold start to the first result of 1+1, medians of {rounds} interleaved rounds")
    for name, taken in times.items():
        median = statistics.median(taken)
        spread = f"{min(taken) * 1000:.0f}-{max(taken) * 1000:.0f}"
        print(f"  {name:<26} {median * 1000:6.0f} ms  ({spread})  {median / base:.2f}x")
    print("  x: beside jupyter console")


if __name__ == "__main__":
    main()
