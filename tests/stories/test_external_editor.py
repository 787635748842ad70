"""Another program has the terminal for a while, in the mode of a shell, and then the workbench."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.tty import workbench

pytestmark = pytest.mark.slow

PALETTE = "\x10"


def test_an_editor_of_lines_reads_a_line_and_the_workbench_goes_on(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "which line? "\nread line\necho "$line" >> "$1"\n')
    editor.chmod(0o755)
    with workbench({"a.py": "a = 1\n"}, environ={"EDITOR": str(editor)}) as (tty, apart):
        tty.shows("● idle")
        tty.press(PALETTE)
        tty.shows("Commands")
        tty.press("in $EDITOR")
        tty.shows("Edit in $EDITOR")
        tty.press("\r")
        tty.shows("which line?")
        assert tty.echoes
        tty.press("b = 2\r")
        tty.shows("▷  1  a = 1")
        tty.shows("   2  b = 2")
        tty.press("c")
        tty.shows("▷  1  ca = 1")
        assert (apart.work / "a.py").read_text() == "a = 1\nb = 2\n"
