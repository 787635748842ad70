"""`%program FILE` on a real kernel: a process of its own; output and questions are the cell's."""

from __future__ import annotations

from pathlib import Path

import pytest

import codeexec

SCRIPT = """
import asyncio, getpass, sys, threading
print("args", sys.argv[1:], __name__)
name = input("name? ")
secret = getpass.getpass("secret: ")
print("hi", name, len(secret))
print("rest", sys.stdin.read().split())
async def five(): return 5
print(asyncio.run(five()))
threading.Thread(target=lambda: print("late")).start()
print("err", file=sys.stderr)
from IPython.display import HTML, display
display(HTML("<b>bold</b>"))
exit(3)
print("never")
"""


@pytest.mark.slow
async def test_a_program_asks_displays_and_passes_its_status(tmp_path: Path) -> None:
    (tmp_path / "a script.py").write_text(SCRIPT)
    async with codeexec.open_session(cwd=tmp_path) as session:
        await session.run("x = 1")
        result = await session.run(
            "%program 'a script.py' --lr 3", answers=["Ada", "hunter2", "one", "two", "\x04"]
        )
        assert [line for line in result.stdout if line] == [
            "args ['--lr', '3'] __main__",
            "name? ",
            "hi Ada 7",
            "rest ['one', 'two']",
            "5",
            "late",
        ]
        assert result.stderr == ["err"]
        assert [artifact.mime_type for artifact in result.artifact] == ["text/html"]
        assert "The program ended with exit status 3." in result.error
        assert (await session.run("x")).output == "1"


async def test_a_program_that_ends_well_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "ok.py").write_text("import sys\nsys.stdout.buffer.write(b'raw\\n')\nsys.exit()\n")
    async with codeexec.open_session(cwd=tmp_path) as session:
        result = await session.run("%program ok.py")
        assert (result.is_success, result.stdout) == (True, ["raw"])
