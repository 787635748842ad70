"""`run script.py` beside `python script.py`: print(1), interleaved, in a pipe and in a terminal.

python benchmarks/run_script.py [ROUNDS]
"""

from __future__ import annotations

import os
import pty
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON = (sys.executable,)
RUN = (str(Path(sys.executable).parent / "codeexec-tui"), "run")


def in_pipe(command: tuple[str, ...]) -> float:
    """Seconds from the start to the end."""
    began = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert done.stdout == b"1\n", done
    return time.perf_counter() - began


def in_terminal(command: tuple[str, ...]) -> float:
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(command[0], command)
    shown = b""
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:  # Linux: the program has ended
            break
        if not data:
            break
        shown += data
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert status == 0 and b"1" in shown, (status, shown)
    return time.perf_counter() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "one.py"
        script.write_text("print(1)\n")
        for name, timed in (("pipe", in_pipe), ("terminal", in_terminal)):
            times: dict[str, list[float]] = {"python": [], "run": []}
            for number in range(rounds + 1):
                for who, command in (("python", PYTHON), ("run", RUN)):
                    seconds = timed((*command, str(script)))
                    if number:  # the first one writes byte code
                        times[who].append(seconds)
            python, run = (statistics.median(times[who]) * 1000 for who in ("python", "run"))
            print(f"{name}: python {python:.0f} ms, run {run:.0f} ms: {run - python:.0f} ms more")


if __name__ == "__main__":
    main()
