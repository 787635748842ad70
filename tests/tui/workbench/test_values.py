"""The values that the workbench is made of: layouts, the late session, places, notifications."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.geometry import Region

from codeexec.config.model import Notify
from codeexec.domain.errors import Denied, KernelUnavailable
from codeexec.domain.events import StdinRequested
from codeexec.domain.options import ExecuteOptions
from codeexec.domain.requests import Done, Execute, Interrupt, Request
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.environments.trust.store import TrustStore
from codeexec.tui.layout import Layouts, PaneLayout
from codeexec.tui.session.deferred import DeferredSession
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.views import CellFold, FileView, SessionView, SessionViews
from codeexec.tui.session.workspace import workspace_of
from codeexec.tui.textual_ext.compositor import groups
from codeexec.tui.workbench.notify import AnswerWaits, long_runs, sequence, words_for


def test_a_layout_comes_back_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    layouts = Layouts(tmp_path / "layouts")
    changed = PaneLayout().resized("files", 5, 0, 160).resized("editor", 0, 10, 160)
    layouts.save(tmp_path, changed, ("a.py",))
    assert layouts.load(tmp_path) == (changed, ("a.py",))
    [file] = (tmp_path / "layouts").iterdir()
    with file.open() as stream:  # another workbench reads it meanwhile
        layouts.save(tmp_path, PaneLayout(), ())
        assert json.load(stream)["files"] == ["a.py"]
    assert layouts.load(tmp_path) == (PaneLayout(), ())
    for file in (tmp_path / "layouts").iterdir():
        file.write_text('{"layout": {"files_width": "wide"}}')
    assert layouts.load(tmp_path) == (PaneLayout(), ())


def test_a_view_of_a_session_comes_back_also_with_names_that_are_no_text(tmp_path: Path) -> None:
    views = SessionViews(tmp_path / "views")
    assert views.load("s") is None
    folds = (CellFold(2, "00c0ffee", "collapsed"),)
    page = FileView("/w/a\udcff.ipynb", 3, 4, is_page=True, top_line=2, top_row=7, folds=folds)
    view = SessionView((page, FileView("/w/b.py")), "/w/b.py")
    views.save("s", view)
    assert views.load("s") == view
    for file in (tmp_path / "views").iterdir():
        file.write_text('{"files": 3}')
    assert views.load("s") is None


def test_panes_keep_within_bounds() -> None:
    assert PaneLayout().resized("files", -100, 0, 160).files_width == 12
    assert PaneLayout().resized("editor", 0, 100, 160).editor_share == 90
    swapped = PaneLayout(swapped=True).resized("editor", 0, 10, 160)
    assert swapped.editor_share < PaneLayout().editor_share


def test_columns_follow_the_terminal_until_their_own_width_is_set() -> None:
    layout = PaneLayout()
    assert [layout.files_in(columns) for columns in (100, 120, 200)] == [14, 16, 28]
    assert [layout.side_in(columns) for columns in (100, 120, 200)] == [34, 38, 64]
    taller = layout.resized("artifacts", 0, 10, 120)
    assert taller.side_in(200) == 64
    wider = layout.resized("files", 5, 0, 120)
    assert [wider.files_in(columns) for columns in (120, 200)] == [21, 21]
    assert wider.side_in(200) == 64


class Recorder:
    """A session that notes what it is asked."""

    session_id = "recorder"

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def call(self, request: Request[Done]) -> Done:
        self.asked.append(request)
        return Done()

    def events(self, after: int = 0, output: str = "tail") -> None:
        raise NotImplementedError


async def test_what_is_asked_before_there_is_a_session_keeps_its_order() -> None:
    late, real = DeferredSession(), Recorder()
    first = asyncio.create_task(late.call(Execute("1")))
    await asyncio.sleep(0)
    second = asyncio.create_task(late.call(Interrupt()))
    await asyncio.sleep(0)
    late.become(real)  # type: ignore[arg-type]  # only `call` is used
    await asyncio.gather(first, second)
    assert real.asked == [Execute("1", options=ExecuteOptions(draws_widgets=True)), Interrupt()]


async def test_without_a_session_everybody_is_told_why() -> None:
    late = DeferredSession()
    asking = asyncio.create_task(late.call(Execute("1")))
    await asyncio.sleep(0)
    late.give_up(KernelUnavailable("No such kernel.", "Choose another."))
    with pytest.raises(KernelUnavailable, match="Choose another"):
        await asking


def test_a_folder_among_the_files_is_where_one_works(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    place = workspace_of(("inside", "a.py"), tmp_path)
    assert place.folder == (tmp_path / "inside").resolve()
    assert place.files == (tmp_path / "a.py",)
    assert workspace_of((), tmp_path).folder == tmp_path


def test_a_folder_that_code_in_a_container_made_a_link_is_no_place_to_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("mounted", "outside"):
        (tmp_path / name).mkdir()
    TrustStore().record_mount(str(tmp_path / "mounted"))
    (tmp_path / "mounted" / "sub").symlink_to(tmp_path / "outside")
    (tmp_path / "mine").symlink_to(tmp_path / "mounted")
    assert workspace_of(("mine",), tmp_path).folder == tmp_path / "mounted"
    for name in ("mounted/sub", "mine/sub"):
        with pytest.raises(Denied, match="symbolic link"):
            workspace_of((name,), tmp_path)


def ended(seconds: float) -> Frame:
    view = ExecutionView("a", "work()", status="running", started_at=100.0)
    done = ExecutionView("a", "work()", "ok", started_at=100.0, finished_at=100.0 + seconds)
    before, after = Snapshot(executions={"a": view}), Snapshot(executions={"a": done})
    return Frame(after, before, frozenset({"a"}))


def test_only_long_runs_are_told() -> None:
    assert long_runs(ended(3.0), Notify(after=10)) == []
    (view,) = long_runs(ended(80.0), Notify(after=10))
    assert words_for(view) == "✓ work(): done after 1:20"
    assert long_runs(ended(80.0), Notify(after=0)) == []
    long_line = replace(view, code=f"total = sum({'x' * 60})")
    assert words_for(long_line) == f"✓ total = sum({'x' * 27}…: done after 1:20"


def test_the_time_that_a_run_waits_for_an_answer_does_not_count() -> None:
    waits = AnswerWaits()
    asks = StdinRequested("r", "a")
    view = ExecutionView("a", "work()", status="running", started_at=100.0)
    waiting = replace(view, stdin=asks)
    asked = Frame(Snapshot(executions={"a": waiting}), Snapshot(), frozenset({"a"}))
    waits.note(asked, 105.0)
    waits.note(asked, 110.0)
    over = ended(80.0)
    waits.note(over, 175.0)
    assert waits.of("a") == 70.0
    assert long_runs(over, Notify(after=20), waits) == []
    (long_run,) = long_runs(over, Notify(after=10), waits)
    assert words_for(long_run, waits) == "✓ work(): done after 10 s"


def test_a_notification_cannot_end_its_own_sequence() -> None:
    told = sequence("plot\x1b\\; rm\x07", Notify(), tmux=False)
    assert told == "\x1b]9;plot \\  rm \x1b\\"
    assert sequence("x", Notify(desktop=False, bell=True)) == "\a"
    assert sequence("x", Notify(), tmux=True).startswith("\x1bPtmux;\x1b\x1b]9;")


def test_changes_that_share_no_line_are_painted_apart() -> None:
    regions = [Region(0, 40, 10, 1), Region(5, 2, 3, 2), Region(20, 3, 5, 4)]
    assert groups(regions) == [Region(5, 2, 20, 5), Region(0, 40, 10, 1)]


def test_lines_of_one_block_are_painted_at_once() -> None:
    block = [Region(5, y, 20, 1) for y in (12, 10, 11)]
    other_columns, apart = Region(0, 13, 30, 1), Region(5, 15, 20, 1)
    assert groups([*block, other_columns, apart]) == [
        Region(5, 10, 20, 3),
        other_columns,
        apart,
    ]
