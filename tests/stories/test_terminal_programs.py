"""What programs in the terminal pane show and ask for beside text: pictures, and the clipboard."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from codeexec.config.model import Settings, Terminal
from codeexec.domain.requests import TypeInTerminal
from codeexec.domain.terminals import KeyPress
from codeexec.tui.graphics.probe import Graphics
from support.bench import open_bench
from support.shells import Shell, use_plain_bash

pytestmark = pytest.mark.slow

FILES = {"a.py": "x = 1\n"}
SIXEL = r"""printf '\033Pq"1;1;80;64#1;2;100;0;0#1!80~-!80~-!80~-!80~-\033\\'; echo"""


@pytest.fixture(autouse=True)
def plain_bash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_plain_bash(tmp_path / "home", monkeypatch)


def picture_rows(shell: Shell) -> list[int]:
    """The rows of the view that show cells of the picture."""
    view = shell.pane.view
    return [y for y in range(view.size.height) if "▀" * 10 in view.render_line(y).text]


async def test_a_picture_is_painted_and_is_an_artifact(tmp_path: Path) -> None:
    async with open_bench(tmp_path, FILES) as bench:
        shell = await Shell(bench).open()
        await shell.type(SIXEL)
        await bench.until(lambda: len(bench.snapshot.artifacts) == 1, "an artifact")
        (artifact,) = bench.snapshot.artifacts
        assert (artifact.mime, artifact.execution_id) == ("image/png", "")
        await bench.until(lambda: len(picture_rows(shell)) >= 2, "the picture")
        await bench.click(shell.pane.view, 2, picture_rows(shell)[0] + 1)
        layout = bench.workbench.pane_layout
        await bench.until(lambda: layout.here == "artifacts", "the artifacts")
        artifacts = bench.workbench.panes.artifacts
        assert artifacts is not None
        await bench.until(
            lambda: artifacts.selected is not None and artifacts.selected.key == artifact.id,
            "the picture among the artifacts",
        )
        await bench.sees(artifact.name)


async def test_where_no_pictures_are_shown_a_label_says_what_it_is(tmp_path: Path) -> None:
    async with open_bench(tmp_path, FILES, graphics=Graphics("none")) as bench:
        shell = await Shell(bench).open()
        await shell.type(SIXEL.replace("80", "400"))
        await bench.until(lambda: len(bench.snapshot.artifacts) == 1, "an artifact")
        await bench.sees("▣ picture 400×64, see the artifacts")


async def test_the_clipboard_is_not_written_unless_the_setting_says_so(tmp_path: Path) -> None:
    async with open_bench(tmp_path, FILES) as bench:
        shell = await Shell(bench).open()
        await shell.run(copy_command("secret"))
        await bench.is_told("A program wanted to put text on the clipboard.")
        assert bench.program.clipboard == ""


async def test_a_program_that_is_typed_into_writes_the_clipboard_when_allowed(
    tmp_path: Path,
) -> None:
    settings = Settings(terminal=Terminal(clipboard="write"))
    async with open_bench(tmp_path, FILES, settings=settings) as bench:
        shell = await Shell(bench).open()
        await shell.run(copy_command("two\nlines\x1b[31m\u009d"))
        await bench.is_told("characters from the program copied.")
        assert bench.program.clipboard == "two\nlines␛[31m·"
        await shell.type(f"read -r line; {copy_command('while the user is elsewhere')}")
        await bench.until(lambda: shell.running, "it waits")
        await shell.leave()
        session, (terminal_id,) = bench.workbench.state.session, bench.snapshot.terminals
        await session.call(TypeInTerminal(terminal_id, (KeyPress("enter"),)))
        await bench.until(lambda: not shell.running, "its end")
        await shell.waits()
        assert bench.program.clipboard == "two\nlines␛[31m·"


def copy_command(text: str) -> str:
    payload = b64encode(text.encode()).decode()
    return rf"printf '\033]52;c;{payload}\a'"
