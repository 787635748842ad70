"""Screens of programs in our terminal are those in tmux, cell by cell.

`benchmarks/terminal_screens.py` compares more programs: gdb, htop, fzf, python.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.pane_app import session_in
from support.screen_sessions import SESSIONS, prepare
from support.twin_screens import twins

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["vim", "less", "git add -p"])
async def test_screens_are_those_in_tmux(name: str, tmp_path: Path) -> None:
    program = SESSIONS[name]
    folders = prepare(program, tmp_path / "files")
    async with (
        session_in(tmp_path) as session,
        twins(session, program.argv, folders, program.env) as pair,
    ):
        for step in program.steps:
            await pair.step(step)
            if not step.is_steady:
                continue
            differences = await pair.differences()
            assert not differences, "\n".join(map(str, [step, *differences[:20]]))
