"""The pane of files by keys and by mouse, on real folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from codeexec.domain.errors import CodeexecError, Conflict, Denied, UsageError
from codeexec.domain.events import FilesChanged
from codeexec.domain.snapshot import Snapshot
from codeexec.environments.trust.store import TrustStore
from codeexec.hostfiles.ignored import Ignored
from codeexec.tui.panes.files import changes, outline
from codeexec.tui.panes.files import pane as files_pane
from codeexec.tui.panes.files.folder import list_folder
from codeexec.tui.panes.files.outline import stale
from codeexec.tui.panes.files.pane import FilesPane
from codeexec.tui.session.ask import Failed
from codeexec.tui.session.feed import Frame
from codeexec.tui.widgets.click_rows import ClickRows
from codeexec.tui.widgets.dialogs import Asker, Confirm
from support.pane_app import PaneApp, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("data/raw/sales.csv", "data/notes.md", "analysis.py", "build/out.bin"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / ".gitignore").write_text("build/\n")
    return tmp_path


def shown(pane: FilesPane) -> list[str]:
    rows = pane.query_one(ClickRows)
    return [rows.render_line(y).text.rstrip() for y in range(len(rows.rows))]


async def test_folders_open_by_keys_and_a_file_is_asked_for(folder: Path) -> None:
    pane = FilesPane(folder)
    app = PaneApp(pane)
    async with app.run_test(size=(30, 12)) as pilot:
        await until(pilot, lambda: shown(pane))
        assert shown(pane) == ["▌▸ data/", "   .gitignore", "   analysis.py"]
        pane.focus()
        await pilot.press("right")
        await until(pilot, lambda: "     notes.md" in shown(pane))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "       sales.csv" in shown(pane))
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.heard_of(FilesPane.FileOpenRequested))
        assert app.heard_of(FilesPane.FileOpenRequested)[0].path == folder / "data/raw/sales.csv"
        await pilot.press("left", "left")
        assert pane.chosen == folder / "data/raw"
        await pilot.press("h", "h")
        assert shown(pane) == ["▌▸ data/", "   .gitignore", "   analysis.py"]


async def test_the_folder_of_the_session_is_listed(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pane = FilesPane(elsewhere)
    async with PaneApp(pane).run_test(size=(30, 12)) as pilot:
        frame = Frame(Snapshot(cwd=str(elsewhere)), Snapshot(), frozenset())
        pane.show_frame(frame)
        assert pane.root == elsewhere
        pane.show_frame(Frame(Snapshot(cwd=str(folder / "data")), frame.snapshot, frozenset()))
        await until(pilot, lambda: "   notes.md" in shown(pane))
        assert pane.root == folder / "data"
        (tmp_path / "link").symlink_to(folder / "data")
        pane.show_frame(Frame(Snapshot(cwd=str(tmp_path / "link")), frame.snapshot, frozenset()))
        assert pane.root == folder / "data"


async def test_one_click_opens(folder: Path) -> None:
    pane = FilesPane(folder)
    app = PaneApp(pane)
    async with app.run_test(size=(30, 12)) as pilot:
        await until(pilot, lambda: shown(pane))
        await pilot.click(ClickRows, offset=(4, 0))
        await until(pilot, lambda: len(shown(pane)) == 5)
        await pilot.click(ClickRows, offset=(4, 2))
        await until(pilot, lambda: app.heard_of(FilesPane.FileOpenRequested))
        assert app.heard_of(FilesPane.FileOpenRequested)[0].path == folder / "data/notes.md"


async def test_hidden_files_are_shown_on_request(folder: Path) -> None:
    pane = FilesPane(folder)
    async with PaneApp(pane).run_test(size=(30, 12)) as pilot:
        await until(pilot, lambda: shown(pane))
        pane.focus()
        await pilot.press("full_stop")
        await until(pilot, lambda: " ▸ build/" in shown(pane))
        await pilot.press("full_stop")
        await until(pilot, lambda: " ▸ build/" not in shown(pane))


@pytest.mark.slow
async def test_make_rename_and_delete(folder: Path) -> None:
    pane = FilesPane(folder)
    app = PaneApp(pane)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: shown(pane))
        pane.focus()
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Asker))
        await pilot.press(*"models/fit.py", "enter")
        made = folder / "models/fit.py"
        await until(pilot, lambda: pane.chosen == made)
        await until(pilot, lambda: app.heard_of(FilesPane.FileOpenRequested))
        assert app.heard_of(FilesPane.FileOpenRequested)[0].path == made

        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Asker))
        await pilot.press(*"train", "enter")  # the stem is selected
        train = folder / "models/train.py"
        await until(pilot, lambda: pane.chosen == train)
        assert not made.exists()
        moved = app.heard_of(FilesPane.FileRenamed)[-1]
        assert (moved.before, moved.after) == (made, train)

        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("enter")  # the answer that loses nothing comes first
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert train.exists()
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("d")
        await until(pilot, lambda: train not in pane.paths)
        assert not train.exists()
        assert app.heard_of(FilesPane.FileRenamed)[-1].after is None


async def test_what_others_do_is_seen_and_the_cursor_stays(folder: Path) -> None:
    pane = FilesPane(folder)
    async with PaneApp(pane).run_test(size=(30, 12)) as pilot:
        await until(pilot, lambda: shown(pane))
        pane.reveal(folder / "data/raw/sales.csv")
        await until(pilot, lambda: pane.chosen == folder / "data/raw/sales.csv")
        (folder / "data/another.md").touch()
        (folder / "0.py").touch()
        pane.look_again()
        await until(pilot, lambda: "     another.md" in shown(pane) and "   0.py" in shown(pane))
        assert pane.chosen == folder / "data/raw/sales.csv"


async def test_what_the_session_tells_is_seen_without_looking_again_and_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_pane, "_LOOK_EVERY", 3600.0)
    looks: list[object] = []

    def counted(*arguments: Any) -> list[Path]:
        looks.append(arguments)
        return stale(*arguments)

    monkeypatch.setattr(outline, "stale", counted)
    pane = FilesPane(folder)
    snapshot = Snapshot(cwd=str(folder), files_watched=True)
    async with PaneApp(pane).run_test(size=(30, 12)) as pilot:
        await until(pilot, lambda: shown(pane))
        pane.show_frame(Frame(snapshot, snapshot, files=(FilesChanged(others=True),)))
        await until(pilot, lambda: looks)
        pane.look_again()
        pane.show_frame(Frame(snapshot, snapshot, files=(FilesChanged(changed=("analysis.py",)),)))
        assert len(looks) == 1
        (folder / "0.py").touch()
        pane.show_frame(Frame(snapshot, snapshot, files=(FilesChanged(added=("0.py",)),)))
        await until(pilot, lambda: "   0.py" in shown(pane))
        assert len(looks) == 2
        pane.action_toggle_ignored()  # what is ignored is not told
        pane.look_again()
        await until(pilot, lambda: len(looks) == 3)


@pytest.mark.parametrize(("name", "words"), [("", "empty"), ("gone", "no such file")])
async def test_empty_and_unreadable_folders_say_so(tmp_path: Path, name: str, words: str) -> None:
    pane = FilesPane(tmp_path / name)
    async with PaneApp(pane).run_test(size=(30, 12)) as pilot:
        await until(pilot, lambda: pane.has_class("-empty"))
        assert words in str(pane.query_one("#nothing", Static).content)


async def test_what_cannot_be_done_is_told(folder: Path) -> None:
    pane = FilesPane(folder)
    app = PaneApp(pane)
    async with app.run_test(size=(60, 20)) as pilot:
        await until(pilot, lambda: shown(pane))
        pane.focus()
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, Asker))
        await pilot.press(*"analysis.py", "enter")
        await until(pilot, lambda: app.heard_of(Failed))
        assert isinstance(app.heard_of(Failed)[0].error, Conflict)
        assert (folder / "analysis.py").read_text() == "analysis.py"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", UsageError),
        ("..", UsageError),
        ("../x", Denied),
        ("/tmp/x", Denied),
        ("a\0", UsageError),
    ],
)
def test_names_that_lead_nowhere(folder: Path, name: str, error: type[CodeexecError]) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(error):
        changes.create(folder, folder, name)
    assert sorted(folder.rglob("*")) == before


def test_a_rename_never_replaces_and_may_move(folder: Path) -> None:
    with pytest.raises(Conflict):
        changes.rename(folder, folder / "analysis.py", "data/notes.md")
    moved = changes.rename(folder, folder / "data/notes.md", "../notes.md")
    assert moved == folder / "notes.md"
    assert moved.read_text() == "data/notes.md"


def test_deleting_a_link_leaves_what_it_points_to(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "data", target_is_directory=True)
    changes.delete(folder / "link")
    assert (folder / "data/notes.md").exists()
    changes.delete(folder / "data")
    assert not (folder / "data").exists()


async def test_a_link_in_a_folder_of_a_container_is_listed_and_leads_nowhere(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "private").write_text("x")
    monkeypatch.setenv("XDG_STATE_HOME", str(outside / "state"))
    TrustStore().record_mount(str(folder))
    (folder / "link").symlink_to(outside)
    assert [
        (e.is_dir, e.is_link) for e in list_folder(folder, Ignored(folder)) if e.path.name == "link"
    ] == [(False, True)]
    with pytest.raises(OSError, match="symbolic link"):
        list_folder(folder / "link", Ignored(folder))
    for change in (
        lambda: changes.create(folder, folder, "link/new"),
        lambda: changes.rename(folder, folder / "link" / "private", "mine"),
        lambda: changes.delete(folder / "link" / "private"),
    ):
        with pytest.raises(Denied, match="symbolic link"):
            change()
    assert (outside / "private").read_text() == "x"
    changes.delete(folder / "link")
    assert (outside / "private").exists()
