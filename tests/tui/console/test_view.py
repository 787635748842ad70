"""Cards on screen, from events alone: heights, folding, following, pages, prompt."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import Raw
from rich.segment import Segment
from textual import on
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.strip import Strip

from codeexec.domain.events import (
    Death,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    KernelDied,
    KernelReady,
    KernelRef,
    KernelStarting,
    OutputChanged,
    Recorded,
    SnapshotTaken,
)
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.domain.text.words import duration
from codeexec.domain.wire.codec import encode
from codeexec.tui.output.loader import PictureRequested, RowsRequested
from codeexec.tui.output.pictures import PictureRequest
from codeexec.tui.output.rows import PAGE
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.panes.console.view import MOST_CARDS, ConsoleView
from codeexec.tui.render.traceback import TracebackFrame
from codeexec.tui.session.feed import FrameBuilder
from codeexec.tui.theme import theme

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
HARBOUR = theme.find_theme("harbour", [theme.built_in_folder()])


class Around(Container):
    """Takes what the view posts while it is painted, as its pane does.

    Nobody further up hears of it: the screen paints, and a message stops at its sender.
    """

    wanted: list[tuple[str, int]]

    def on_rows_requested(self, event: RowsRequested) -> None:
        self.wanted += event.pages

    frames: list[TracebackFrame]

    @on(ConsoleMessages.SourceRequested)
    def note_frame(self, event: ConsoleMessages.SourceRequested) -> None:
        self.frames.append(event.frame)

    images: list[PictureRequest]

    def on_picture_requested(self, event: PictureRequested) -> None:
        self.images.append(event.request)

    stale: list[str]

    def on_console_view_execution_stale(self, event: ConsoleView.ExecutionStale) -> None:
        self.stale.append(event.execution_id)


class Shown(App[None]):
    """A console view alone; `feed` takes events."""

    def __init__(self, me: str = "me") -> None:
        super().__init__()
        self.me = me
        self.folder = FrameBuilder()
        self.seq = 0
        self.wanted: list[tuple[str, int]] = []
        self.stale: list[str] = []
        self.frames: list[TracebackFrame] = []
        self.images: list[PictureRequest] = []

    def compose(self) -> ComposeResult:
        around = Around(ConsoleView(HARBOUR, self.me))
        around.wanted = self.wanted
        around.stale = self.stale
        around.frames = self.frames
        around.images = self.images
        yield around

    @property
    def view(self) -> ConsoleView:
        return self.query_one(ConsoleView)

    def feed(self, *events: object) -> None:
        for event in events:
            self.seq += 1
            self.folder.take([Recorded(self.seq, 100.0 + self.seq, event)])  # type: ignore[arg-type]
        self.view.show_frame(self.folder.frame())

    def run_once(self, key: str, code: str, *runs: Run, status: str = "ok") -> None:
        total = sum(run.rows for run in runs)
        self.feed(
            ExecutionQueued(key, code),
            ExecutionStarted(key),
            InputCounted(key, int(key)),
            OutputChanged(key, 0, total, runs),
            ExecutionFinished(key, status),  # type: ignore[arg-type]
        )

    def lines(self) -> list[str]:
        view = self.view
        return [view.render_line(y).text.rstrip() for y in range(view.size.height)]


async def test_a_card_says_its_number_code_state_and_output() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)):
        app.run_once("1", "print('hi')", Run("stdout", "hi\nthere"), Run("stderr", "oh"))
        first, *rest = app.lines()
        assert first.startswith("  [1] print('hi')")
        assert "✓" in first
        assert rest[:4] == ["  hi", "  there", "┆ oh", ""]


async def test_marks_of_a_card_stay_in_their_column_while_it_is_selected() -> None:
    app = Shown()
    two = Display("d", parts=(MimePart("text/plain", 1, text="2"),), role="result")
    async with app.run_test(size=(60, 20)):
        app.run_once("1", "1 + 1", Run("stderr", "oh"), Run("display", display=two))
        assert app.lines()[1:3] == ["┆ oh", "→ 2"]
        app.view.select(app.view.card_list.cards[0])
        first, *rest = app.lines()
        assert first.startswith("▎ [1] 1 + 1")
        assert rest[:2] == ["┆ oh", "→ 2"]


async def test_long_code_is_folded_and_opens(tmp_path: object) -> None:
    app = Shown()
    async with app.run_test(size=(60, 40)):
        app.run_once("1", "\n".join(f"x = {n}" for n in range(30)))
        assert any("▸ 22 more lines of code" in line for line in app.lines())
        card = app.view.card_list.cards[0]
        app.view.toggle_code(card)
        assert any("x = 29" in line for line in app.lines())
        app.view.toggle_fold(card)
        assert app.view.card_list.height == 2


async def test_rows_in_hand_wrap_and_a_flood_does_not() -> None:
    app = Shown()
    async with app.run_test(size=(40, 20)):
        app.run_once("1", "f()", Run("stdout", "a" * 100))
        width = app.view.output.width
        assert app.view.card_list.height == 1 + -(-100 // width) + 1
        many = "\n".join("b" * 100 for _ in range(500))
        app.run_once("2", "g()", Run("stdout", many))
        assert app.view.card_list.cards[1].height(8) == 1 + 500 + 1


async def test_rows_beyond_the_tail_are_asked_for_by_the_page() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        app.run_once("1", "f()", Run("stdout", "\n".join(map(str, range(10_000)))))
        assert "  9999" in app.lines()
        app.view.scroll_to(y=5001, animate=False, force=True)
        async with asyncio.timeout(90):
            while ("1", 5000 // PAGE) not in app.wanted:
                await pilot.pause(0.01)
        assert "  …" in app.lines()
        start = 5000 // PAGE * PAGE
        rows = "\n".join(map(str, range(start, start + PAGE)))
        app.view.take_rows("1", start, [Run("stdout", rows)])
        assert app.lines()[0] == "  5000"


async def test_the_end_is_followed_until_the_reader_looks_back() -> None:
    app = Shown()
    async with app.run_test(size=(60, 10)):
        app.run_once("1", "f()", Run("stdout", "\n".join(map(str, range(50)))))
        assert app.view.viewport.follows
        app.view.scroll_to(y=0, animate=False, force=True)
        assert not app.view.viewport.follows
        app.run_once("2", "g()", Run("stdout", "\n".join(map(str, range(30)))))
        assert app.view.scroll_offset.y == 0
        assert "▼ 30 new lines" in app.lines()[-1]
        app.view.go_to_end()
        assert app.view.viewport.news == 0
        assert "  29" in app.lines()


async def test_a_marked_row_is_shown_with_the_rows_around_it() -> None:
    app = Shown()
    async with app.run_test(size=(60, 17)):
        app.run_once("1", "f()", Run("stdout", "\n".join(map(str, range(100)))))
        card = app.view.card_list.cards[0]
        for row in (*range(50, 30, -1), *range(30, 60), 99, 1):
            app.view.mark(card, row, "output")
            around = {f"  {n}" for n in range(max(row - 3, 0), min(row + 4, 100))}
            assert around <= set(app.lines())


async def test_how_an_execution_ended_is_said_in_words() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)):
        app.feed(
            ExecutionQueued("1", "f()"),
            ExecutionFinished("1", "lost", "The kernel died."),
        )
        assert "  lost: The kernel died." in app.lines()


async def test_a_traceback_is_shown_with_the_users_frames() -> None:
    app = Shown()
    lines = (
        "\x1b[31mValueError\x1b[39m    Traceback (most recent call last)",
        "File /x/lib/python3.11/json/decoder.py:355, in raw_decode()\n    354 a\n--> 355 b\n",
        "Cell In[1], line 2\n      1 x\n----> 2 y\n",
        "\x1b[31mValueError\x1b[39m: no",
    )
    app_error = ErrorInfo("ValueError", "no", lines)
    async with app.run_test(size=(70, 20)):
        app.run_once("1", "f()", Run("error", error=app_error), status="error")
        text = "\n".join(app.lines())
        assert "⋯ 1 frame in json" in text
        assert "raw_decode" not in text
        app.view.toggle_frames(app.view.card_list.cards[0])
        assert "raw_decode" in "\n".join(app.lines())


async def test_a_restart_of_the_kernel_leaves_a_line_between_the_cards() -> None:
    app = Shown()
    kernel = KernelRef("python3", "Python 3")
    async with app.run_test(size=(60, 20)):
        app.feed(KernelStarting(1, kernel), KernelReady(1))
        app.run_once("1", "a = 1")
        app.feed(KernelDied(1, Death("It exited.")))
        words = " ".join(" ".join(line.split()) for line in app.lines() if line)
        assert "Kernel ended. Enter starts a new one · F12 another · Ctrl+Q leaves" in words
        app.feed(KernelStarting(2, kernel), KernelReady(2))
        lines = app.lines()
        (at,) = (n for n, line in enumerate(lines) if "── kernel restarted · " in line)
        assert at > next(n for n, line in enumerate(lines) if "[1] a = 1" in line)
        rule = lines[at].strip()
        app.seq += 3600  # an hour later, which is not when the kernel was restarted
        app.run_once("2", "b = 2")
        lines = app.lines()
        (at,) = (n for n, line in enumerate(lines) if "── kernel restarted · " in line)
        assert lines[at].strip().strip("─") == rule.strip("─")
        assert "b = 2" in lines[at + 1]
        assert app.view.card_list.height == 2 + 1 + 2


async def test_the_card_that_runs_is_followed_and_not_those_that_wait() -> None:
    app = Shown()
    async with app.run_test(size=(60, 12)):
        for number in range(1, 31):
            app.feed(ExecutionQueued(str(number), f"cell_{number}()"))
        for number in (1, 2):
            key = str(number)
            app.feed(ExecutionStarted(key), InputCounted(key, number))
            text = "\n".join(f"row {number}.{row}" for row in range(20))
            app.feed(OutputChanged(key, 0, 20, (Run("stdout", text),)))
            shown = app.lines()
            assert any(f"row {number}.19" in line for line in shown)
            assert any(f"◌ {30 - number} queued" in line for line in shown)
            assert app.view.viewport.follows
            app.feed(ExecutionFinished(key, "ok"))


async def test_a_picture_is_painted_again_for_each_width_also_for_one_that_was_before() -> None:
    app = Shown()
    png = MimePart("image/png", 68, text=PIXEL)
    async with app.run_test(size=(60, 20)) as pilot:
        app.run_once("1", "plot()", Run("display", display=Display("d", parts=(png,))))
        painted = []
        for width in (60, 80, 60):
            await pilot.resize_terminal(width, 20)
            await pilot.pause()
            app.lines()
            await pilot.pause()
            wanted = app.images[-1]
            assert wanted.columns == width - 3
            app.view.take_image("d", wanted.token, [Strip([Segment(f"{width}a")]), Strip([])])
            painted.append(next(line for line in app.lines() if f"{width}a" in line).strip())
        assert painted == ["60a", "80a", "60a"]
        late = app.images[0].token.replace(" ", "  ")
        app.view.take_image("d", late, [Strip([Segment("late")])])
        assert not any("late" in line for line in app.lines())


def test_durations_are_short() -> None:
    assert [duration(s) for s in (0.02, 0.82, 12.4, 185, 8040)] == [
        "20 ms",
        "0.8 s",
        "12 s",
        "3:05",
        "2:14:00",
    ]


@pytest.mark.slow
async def test_cards_in_memory_are_bounded_while_the_end_is_followed() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)):
        for number in range(1, 1001):
            app.run_once(str(number), "f()", Run("stdout", "row"))
            assert len(app.view.card_list.cards) <= MOST_CARDS
        assert app.view.card_list.cards[-1].key == "1000"
        assert app.view.card_list.cards[0].gap
        assert not any(card.gap for card in app.view.card_list.cards[1:])
        assert "[1000] f()" in app.lines()[-3]


async def test_a_failure_is_shown_though_what_it_cancelled_fills_the_snapshot() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)):
        names = [str(number) for number in range(1, 400)]
        app.feed(*(ExecutionQueued(name, "f()") for name in names), ExecutionStarted("1"))
        # All in one frame: by its end, the snapshot has let the failed one go.
        app.feed(
            ExecutionFinished("1", "error"),
            *(ExecutionFinished(name, "cancelled") for name in names[1:]),
            ExecutionQueued("last", "g()"),
        )
        assert "1" not in app.folder.snapshot.executions
        first = app.view.card_list.get("1")
        assert first is not None
        assert first.view.status == "error"


async def test_a_card_whose_execution_is_in_no_snapshot_is_read_again() -> None:
    app = Shown()
    async with app.run_test(size=(60, 20)) as pilot:
        app.feed(ExecutionQueued("old", "f()"), ExecutionStarted("old"))
        state = Snapshot(seq=5000, executions={"new": ExecutionView("new", "g()", number=900)})
        app.seq = 4999
        app.feed(SnapshotTaken(Raw(encode(state))))
        async with asyncio.timeout(90):
            while app.stale != ["old"]:
                await pilot.pause(0.01)
        app.view.refresh_execution(ExecutionView("old", "f()", "ok", number=1))
        card = app.view.card_list.get("old")
        assert card is not None
        assert card.view.status == "ok"
        assert [card.key for card in app.view.card_list] == ["old", "new"]


PROSE = "The quick brown fox jumps over the lazy dog and runs on into the wood"


async def test_a_selection_over_folded_lines_has_no_newlines_where_they_were_folded() -> None:
    app = Shown()
    async with app.run_test(size=(40, 24)) as pilot:
        result = Display("d", (MimePart("text/plain", len(PROSE), PROSE),), role="result")
        app.run_once("1", "f()", Run("stdout", f"{PROSE}\nend"), Run("display", display=result))
        shown = app.lines()
        assert "  The quick brown fox jumps over the" in shown
        assert "→ The quick brown fox jumps over the" in shown
        view = app.view
        top = next(y for y, line in enumerate(shown) if line.startswith("  The quick"))
        await pilot.mouse_down(view, offset=(2, top))
        await pilot.hover(view, offset=(20, top + 3))
        await pilot.mouse_up(view, offset=(20, top + 3))
        assert app.screen.get_selected_text() == f"{PROSE}\nend\n{PROSE[:19]}"
        assert view.cursor.selected is None


async def test_a_drag_over_a_traceback_goes_nowhere_and_a_click_does() -> None:
    app = Shown()
    async with app.run_test(size=(60, 24)) as pilot:
        rows = (
            "\x1b[31mNameError\x1b[39m          Traceback (most recent call last)",
            "\x1b[36mFile \x1b[32m/somewhere/a.py:3\x1b[39m, in f\n----> 3 nothing",
            "\x1b[31mNameError\x1b[39m: name 'nothing' is not defined",
        )
        error = ErrorInfo("NameError", "name 'nothing' is not defined", rows)
        app.run_once("1", "f()", Run("error", error=error), status="error")
        view = app.view
        top = next(y for y, line in enumerate(app.lines()) if "a.py:3" in line)
        await pilot.mouse_down(view, offset=(4, top))
        await pilot.hover(view, offset=(20, top))
        await pilot.mouse_up(view, offset=(20, top))
        await pilot.click(view, offset=(20, top))
        await pilot.pause()
        assert [frame.line for frame in app.frames] == [3]


async def test_code_that_is_cut_ends_in_an_ellipsis_and_reasons_are_folded() -> None:
    app = Shown()
    async with app.run_test(size=(40, 24)):
        app.feed(ExecutionQueued("1", "first = 1\n" + "second = " + "x" * 80))
        reason = "the kernel could not start because nope is no kernel that is known here"
        app.feed(ExecutionFinished("1", "cancelled", reason))
        lines = [line.rstrip() for line in app.lines()]
        assert lines[1].endswith("…") and len(lines[1]) <= 40
        words = " ".join(" ".join(line.split()) for line in lines[2:] if line)
        assert words == f"cancelled: {reason}"
        assert app.view.card_list.height == len([line for line in lines if line]) + 1


async def test_the_heading_of_a_traceback_is_whole_however_narrow_the_pane() -> None:
    app = Shown()
    async with app.run_test(size=(60, 24)) as pilot:
        rows = (f"\x1b[31mModuleNotFoundError\x1b[39m{' ' * 24}Traceback (most recent call last)",)
        error = ErrorInfo("ModuleNotFoundError", "No module named 'nope'", rows)
        app.run_once("1", "f()", Run("error", error=error), status="error")
        for width in (60, 40, 24):
            await pilot.resize_terminal(width, 24)
            heading = " ".join(" ".join(line.split()) for line in app.lines()[1:] if line)
            assert heading == "ModuleNotFoundError Traceback (most recent call last)"


@pytest.mark.slow
async def test_cards_that_wait_take_one_line_until_they_are_asked_for() -> None:
    app = Shown()
    async with app.run_test(size=(60, 40)) as pilot:
        for number in range(1, 9):
            app.feed(ExecutionQueued(str(number), f"cell_{number}()"))
        assert "◌ 8 queued" in app.lines()[0]
        app.feed(ExecutionStarted("1"), InputCounted("1", 1))
        view = app.view
        assert "cell_1()" in app.lines()[0] and "◌ 7 queued" in app.lines()[2]
        assert view.card_list.height == 4
        view.step(-1)
        assert view.cursor.selected is view.card_list.cards[1]  # it stands for the seven
        view.step(-1)
        assert view.cursor.selected is view.card_list.cards[0]
        await pilot.click(view, offset=(4, 2))
        assert [line for line in app.lines() if "cell_8()" in line]
        assert view.card_list.height == 16
        app.feed(ExecutionFinished("1", "error"))
        for number in range(2, 9):
            app.feed(
                ExecutionFinished(str(number), "cancelled", "Skipped: an earlier cell failed.")
            )
        assert sum(" Skipped: an earlier cell failed." in line for line in app.lines()) == 7
        app.feed(*(ExecutionQueued(str(number), "again()") for number in range(10, 14)))
        assert any("◌ 4 queued" in line for line in app.lines())


async def test_a_card_says_who_ran_it_only_where_that_was_somebody_else() -> None:
    app = Shown("ann@pts/2")
    async with app.run_test(size=(60, 24)):
        for number, origin in enumerate(["ann@pts/2", "ann@pts/1", "bob@pts/3"], 1):
            key = str(number)
            app.feed(ExecutionQueued(key, f"f({number})", origin=origin), ExecutionStarted(key))
        heads = [line for line in app.lines() if "f(" in line]
        assert ["⇄" in line for line in heads] == [False, False, True]
        assert "⇄ bob@pts/3" in heads[2]
        app.view.show_others(frozenset({"ann@pts/1"}))
        heads = [line for line in app.lines() if "f(" in line]
        assert "⇄ ann@pts/1" in heads[1]
        code = "x" * 38
        app.feed(ExecutionQueued("4", code, origin="bob@pts/3"))
        (head,) = [line for line in app.lines() if code[:20] in line]
        assert code in head and "⇄ " in head and "bob" not in head
