"""Screens of programs in our terminal and in tmux, compared cell by cell after each step.

Run it with `python benchmarks/terminal_screens.py [NAME ...]`; it needs tmux, and takes the
programs that are installed. It ends with 1 where a cell differs.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from codeexec.client.api import SessionClient
from codeexec.client.embedded import EmbeddedHost
from codeexec.domain.requests import OpenSession
from support.screen_sessions import SESSIONS, ScreenSession, prepare
from support.twin_screens import twins

SHOWN = 8
"""Differences of a step that are printed."""


async def differs(session: SessionClient, program: ScreenSession, folder: Path) -> int:
    """Print the cells that differ after each step; their number."""
    folders = prepare(program, folder)
    total = 0
    async with twins(session, program.argv, folders, program.env) as pair:
        for number, step in enumerate(program.steps, 1):
            await pair.step(step)
            if not step.is_steady:
                continue
            differences = await pair.differences(patience=5.0)
            total += len(differences)
            print(f"  step {number} {step.text!r}: {len(differences)} cells differ")
            for difference in differences[:SHOWN]:
                print(f"    {difference}")
    return total


async def main(names: list[str]) -> int:
    total = 0
    with tempfile.TemporaryDirectory() as place:
        async with EmbeddedHost(Path(place, "state")) as host:
            summary = await host.call(OpenSession(cwd=place))
            session = host.session(summary.session_id)
            for name in names or list(SESSIONS):
                print(name)
                if not SESSIONS[name].is_here:
                    print("  not installed")
                    continue
                folder = Path(place, name.replace(" ", "-"))
                folder.mkdir()
                total += await differs(session, SESSIONS[name], folder)
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(sys.argv[1:])))
