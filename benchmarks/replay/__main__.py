"""Replay UX.md in tmux, by keys and by mouse: `python -m benchmarks.replay [SIZE…] [ROW…]`.

Each row drives the real program in a real terminal at three sizes, the mouse by SGR sequences at
the place where a text stands on screen. The table on stdout has a row for each step, and the exit
code is 1 if one failed. Needs tmux; sizes and rows can be named: `80x24 palette`.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.replay import output_rows, rows, session_rows
from benchmarks.replay.screen import Screen

SIZES = ("80x24", "120x35", "200x50")

ROWS: dict[str, tuple[Callable[[Screen], None], tuple[str, ...]]] = {
    **{
        row.__name__: (row, ("page.py",))
        for row in (*rows.ROWS, *session_rows.ROWS, *output_rows.ROWS)
    },
    "tour": (rows.tour, ("demo",)),
    "empty": (session_rows.empty, ()),
    "mistyped": (session_rows.mistyped, ("--kernel", "nope", "page.py")),
    "new_file": (session_rows.new_file, ("nosuch/dir/file.py",)),
}


def replay(name: str, size: str) -> str:
    """Run one row at one size; empty, or what went wrong."""
    row, arguments = ROWS[name]
    with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "work").mkdir()
        (home / "work" / "page.py").write_text(rows.PAGE)
        screen = Screen(size, home, arguments)
        try:
            screen.shows("✗ dead" if "nope" in arguments else "● idle")
            row(screen)
        except AssertionError as problem:
            return str(problem) or f"{name}: an assertion failed\n{screen.text()}"
        finally:
            screen.stop()
            _end_all(folder)
    return ""


def _end_all(folder: str) -> None:
    """End the server and the kernels that were started for this folder."""
    mark = f"HOME={folder}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGTERM)
        except OSError:
            continue  # it has ended, or is another user's


def main(words: list[str]) -> int:
    if unknown := [word for word in words if word not in SIZES and word not in ROWS]:
        print(f"No such size or row: {' '.join(unknown)}", file=sys.stderr)
        print(f"Sizes: {' '.join(SIZES)}. Rows: {' '.join(ROWS)}.", file=sys.stderr)
        return 2
    sizes = [word for word in words if word in SIZES] or list(SIZES)
    names = [word for word in words if word in ROWS] or list(ROWS)
    failed = 0
    print("| row |", " | ".join(sizes), "|")
    print("|---|", "---|" * len(sizes), sep="")
    for name in names:
        problems = [replay(name, size) for size in sizes]
        print(f"| {name} |", " | ".join("no" if p else "ok" for p in problems), "|", flush=True)
        for problem in filter(None, problems):
            print(problem, file=sys.stderr, flush=True)
        failed += sum(map(bool, problems))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
