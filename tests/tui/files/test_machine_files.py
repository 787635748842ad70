"""Files that a session has elsewhere: the pane lists them, and documents are copies of them. The
session is real; its server is called another machine, as paths of it are none of this one then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from codeexec.client.embedded import EmbeddedHost, EmbeddedSession
from codeexec.domain import requests as q
from codeexec.domain.errors import Conflict, DocumentError, NotFound, ServerUnavailable
from codeexec.domain.snapshot import Snapshot
from codeexec.tui.panes.documents.files import elsewhere as copies
from codeexec.tui.panes.documents.files.elsewhere import FilesElsewhere
from codeexec.tui.panes.files.pane import FilesPane
from codeexec.tui.session.ask import Failed, TitleNoted
from codeexec.tui.session.machine_files import MachineFiles
from codeexec.tui.widgets.click_rows import ClickRows
from codeexec.tui.widgets.dialogs import Asker, Confirm
from support.pane_app import PaneApp, until

R = TypeVar("R")


@dataclass(frozen=True)
class There:
    """The folder of the session, and what a client sees of it."""

    folder: Path
    session: EmbeddedSession
    files: MachineFiles


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[There]:
    folder = tmp_path / "there"
    folder.mkdir()
    async with EmbeddedHost(tmp_path / "state") as host:
        summary = await host.call(q.OpenSession(cwd=str(folder), start_kernel=False))
        session = host.session(summary.session_id)
        yield There(folder, session, MachineFiles(session, "lab"))


@pytest.fixture
async def documents(there: There, tmp_path: Path) -> FilesElsewhere:
    await there.files.learn()
    elsewhere = FilesElsewhere()
    elsewhere.use(there.files, tmp_path / "elsewhere")
    return elsewhere


def shown(pane: FilesPane) -> list[str]:
    rows = pane.query_one(ClickRows)
    return [rows.render_line(y).text.rstrip() for y in range(len(rows.rows))]


async def answer(pilot: Pilot[None], key: str, name: str) -> None:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, Asker))
    pilot.app.screen.query_one(Input).value = name
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, Asker))


async def test_the_folder_of_the_machine_is_listed_and_changed(there: There) -> None:
    for name in ("data/sales.csv", "run10.py", "run2.py", "__pycache__/x.pyc"):
        path = there.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    (there.folder / "link").symlink_to("/etc")
    (there.folder / "evil\x1b[2J").touch()
    pane = FilesPane(Path("/"), machine_files=there.files)
    app = PaneApp(pane)
    async with app.run_test(size=(40, 16)) as pilot:
        await there.files.learn()
        await until(pilot, lambda: "   run10.py" in shown(pane))
        assert pane.root == there.folder
        assert shown(pane)[0].endswith("▸ data/")
        assert [row for row in shown(pane) if "link" in row] == ["   link →"]
        assert "\x1b" not in "".join(shown(pane))
        assert "__pycache__" not in "".join(shown(pane))
        assert shown(pane).index("   run2.py") < shown(pane).index("   run10.py")
        await until(pilot, lambda: app.heard_of(TitleNoted))
        assert app.heard_of(TitleNoted)[-1] == TitleNoted("files", "lab")

        pane.focus()
        await pilot.press("right")
        await until(pilot, lambda: "     sales.csv" in shown(pane))
        await answer(pilot, "a", "new/deep.py")
        await until(pilot, lambda: app.heard_of(FilesPane.FileOpenRequested))
        made = app.heard_of(FilesPane.FileOpenRequested)[-1]
        assert (made.path, made.is_elsewhere) == (there.folder / "data/new/deep.py", True)
        assert made.path.read_bytes() == b""
        await until(pilot, lambda: pane.chosen == made.path)
        await answer(pilot, "a", "deep.py")
        await until(pilot, lambda: app.heard_of(Failed))
        assert isinstance(app.heard_of(Failed)[-1].error, Conflict)
        await answer(pilot, "r", "../moved.py")
        await until(pilot, lambda: (there.folder / "data/moved.py").exists())
        await until(pilot, lambda: app.heard_of(FilesPane.FileRenamed))
        await until(pilot, lambda: pane.chosen == there.folder / "data/moved.py")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: not (there.folder / "data/moved.py").exists())
        assert app.heard_of(FilesPane.FileRenamed)[-1].is_elsewhere
        await until(pilot, lambda: "     moved.py" not in shown(pane))


@pytest.mark.slow
async def test_a_pane_that_comes_late_lists_the_machine_too(there: There) -> None:
    (there.folder / "a.py").touch()
    await there.files.learn()
    pane = FilesPane(Path("/"), machine_files=there.files)
    app = PaneApp(pane)
    async with app.run_test(size=(40, 16)) as pilot:
        await until(pilot, lambda: shown(pane) == ["▌  a.py"])
        await until(pilot, lambda: app.heard_of(TitleNoted))


async def test_sessions_of_this_machine_are_not_asked_for_their_files(there: There) -> None:
    here = MachineFiles(there.session)
    assert not here.needs_asking(Snapshot(cwd=str(there.folder)))
    await here.learn()
    assert not here.is_elsewhere
    assert there.files.needs_asking(Snapshot())
    assert not there.files.needs_asking(Snapshot())


async def test_a_copy_is_sent_while_nobody_else_has_changed_the_file(
    there: There, documents: FilesElsewhere
) -> None:
    file = there.folder / "sub" / "a.py"
    file.parent.mkdir()
    file.write_bytes(b"x = 1\r\n")
    copy = documents.copy_of("sub/a.py")
    assert documents.copy_of(str(file)) == copy
    assert documents.path_in_code(copy) == str(file)
    assert await documents.fetch(copy)
    assert copy.read_bytes() == b"x = 1\r\n"
    copy.write_bytes(b"x = 2\r\n")
    assert await documents.is_unsent(copy)
    await documents.send(copy)
    assert file.read_bytes() == b"x = 2\r\n"
    assert not await documents.is_unsent(copy)

    file.write_bytes(b"theirs")
    copy.write_bytes(b"mine")
    with pytest.raises(Conflict, match="changed by somebody else"):
        await documents.send(copy)
    assert file.read_bytes() == b"theirs"
    theirs = await documents.fetch_theirs(copy)
    assert theirs.read_bytes() == b"theirs"
    assert copy.read_bytes() == b"mine"
    await documents.send(copy, overwrite=True)
    assert file.read_bytes() == b"mine"

    # What was sent, though the answer never came, is no conflict with itself.
    copy.write_bytes(b"sent")
    file.write_bytes(b"sent")
    await documents.send(copy)
    assert not await documents.is_unsent(copy)

    file.unlink()
    copy.write_bytes(b"again")
    with pytest.raises(Conflict, match="was removed"):
        await documents.send(copy)


class LosesAnswers:
    """A session whose line is lost after it has done what it was asked."""

    def __init__(self, session: EmbeddedSession) -> None:
        self._session = session
        self.is_losing = True
        self.session_id, self.events, self.stream = (
            session.session_id,
            session.events,
            session.stream,
        )

    async def call(self, request: q.Request[R]) -> R:
        reply = await self._session.call(request)
        if self.is_losing and isinstance(request, q.WriteFile):
            raise ServerUnavailable("The line was lost.")
        return reply


async def test_a_write_whose_answer_was_lost_is_no_conflict_with_the_next_one(
    there: There, tmp_path: Path
) -> None:
    file = there.folder / "a.py"
    file.write_bytes(b"old")
    line = LosesAnswers(there.session)
    documents = FilesElsewhere()
    documents.use(MachineFiles(line, "lab"), tmp_path / "elsewhere")
    await there.files.learn()
    with pytest.raises(NotFound):
        await documents.fetch(documents.copy_of("a.py"))  # the machine was not known by its name
    copy = documents.copy_of("a.py")
    assert await documents.fetch(copy)
    copy.write_bytes(b"first")
    with pytest.raises(ServerUnavailable):
        await documents.send(copy)
    assert file.read_bytes() == b"first"
    copy.write_bytes(b"second")
    line.is_losing = False
    await documents.send(copy)
    assert file.read_bytes() == b"second"
    file.write_bytes(b"theirs")
    copy.write_bytes(b"third")
    with pytest.raises(Conflict):
        await documents.send(copy)


async def test_what_was_not_sent_is_there_the_next_time(
    there: There, documents: FilesElsewhere, tmp_path: Path
) -> None:
    file = there.folder / "a.py"
    file.write_bytes(b"old")
    copy = documents.copy_of("a.py")
    await documents.fetch(copy)
    copy.write_bytes(b"not sent")
    again = FilesElsewhere()
    again.use(there.files, tmp_path / "elsewhere")
    assert not await again.fetch(copy)
    assert copy.read_bytes() == b"not sent"
    file.write_bytes(b"theirs")
    with pytest.raises(Conflict):
        await again.send(copy)
    assert await again.fetch(copy, replaces=True)
    assert copy.read_bytes() == b"theirs"
    stamp = copy.stat()
    assert await again.fetch(copy)
    assert copy.stat() == stamp  # editors are not told of a change
    await again.forget(copy)
    assert not copy.exists()
    assert not await again.is_unsent(copy)


async def test_copies_follow_renamed_files_and_leave_with_removed_ones(
    there: There, documents: FilesElsewhere
) -> None:
    (there.folder / "sub").mkdir()
    (there.folder / "sub/a.py").write_bytes(b"a")
    copy = documents.copy_of("sub/a.py")
    await documents.fetch(copy)
    copy.write_bytes(b"changed")
    await there.files.rename("sub", "other")
    await documents.moved(documents.copy_of("sub"), documents.copy_of("other"))
    moved = documents.copy_of("other/a.py")
    assert await documents.is_unsent(moved)
    await documents.send(moved)
    assert (there.folder / "other/a.py").read_bytes() == b"changed"
    assert await documents.exists(moved)
    await there.files.remove("other")
    await documents.moved(documents.copy_of("other"), None)
    assert not moved.exists()
    assert not await documents.exists(moved)
    moved.parent.mkdir(parents=True)
    moved.write_bytes(b"made again")
    await documents.send(moved)
    assert (there.folder / "other/a.py").read_bytes() == b"made again"


async def test_what_is_no_file_to_edit_there_is_refused(
    there: There, documents: FilesElsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match=r"no file none\.py"):
        await documents.fetch(documents.copy_of("none.py"))
    with pytest.raises(DocumentError, match="outside"):
        documents.copy_of("../../x")
    monkeypatch.setattr(copies, "LARGEST", 10)
    (there.folder / "large").write_bytes(b"x" * 11)
    with pytest.raises(DocumentError, match="too much to edit on lab"):
        await documents.fetch(documents.copy_of("large"))
    stranger = tmp_path / "elsewhere" / "0123" / "copies" / "x.py"
    assert documents.holds(stranger)
    assert not documents.holds(there.folder / "large")
    with pytest.raises(NotFound, match="another machine than lab"):
        await documents.fetch(stranger)
