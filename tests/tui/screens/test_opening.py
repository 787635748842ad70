"""The finder of files, by keys and by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Static

from codeexec.tui.screens.open_file import OpeningScreen
from support.pane_app import until
from support.screen_app import ScreenApp, shown


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("src/app.py", "src/theme.py", "notes.md", "secret/x.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / ".gitignore").write_text("secret/\n")
    return tmp_path


async def test_a_few_letters_find_a_file(folder: Path) -> None:
    app = ScreenApp(OpeningScreen(folder))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 4)
        assert not any("x.py" in row for row in shown(app))
        await pilot.press(*"thm")
        await until(pilot, lambda: len(shown(app)) == 1)
        assert shown(app)[0].split() == ["▌theme.py", "src"]
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answers == [folder / "src/theme.py"]


async def test_recent_files_of_the_folder_come_first_those_of_others_last(folder: Path) -> None:
    outside = folder.parent / "outside.py"
    app = ScreenApp(OpeningScreen(folder, [folder / "notes.md", outside]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 5)
        assert shown(app)[0].split() == ["▌notes.md", "recent"]
        assert [row.split()[0] for row in shown(app)[1:]] == [
            ".gitignore", "app.py", "theme.py", "outside.py"
        ]  # fmt: skip
        await pilot.click("ClickRows", offset=(3, 4))
        await until(pilot, lambda: app.answers)
    assert app.answers == [outside]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "wanted"), [("./src/../notes.md", "notes.md"), ("new/z.py", "new/z.py")]
)
async def test_a_path_is_one_also_of_a_new_file(folder: Path, typed: str, wanted: str) -> None:
    app = ScreenApp(OpeningScreen(folder))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(shown(app)) == 4)
        await pilot.press(*typed)
        await until(pilot, lambda: len(shown(app)) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert app.answers == [folder / wanted]


async def test_nothing_fits_and_escape(tmp_path: Path) -> None:
    app = ScreenApp(OpeningScreen(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query("#word"))
        word = app.screen.query_one("#word", Static)
        await until(pilot, lambda: "no file" in str(word.content))
        await pilot.press("escape")
        await until(pilot, lambda: app.answers)
    assert app.answers == [None]
