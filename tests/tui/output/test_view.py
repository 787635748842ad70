"""An output view without a pane: heights, requested pages and pictures, bodies, clicks."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.strip import Strip

from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, slice_runs
from codeexec.domain.snapshot import ExecutionStatus, ExecutionView
from codeexec.tui.output import view as output_view
from codeexec.tui.output.context import OutputContext
from codeexec.tui.output.links import DisplayLink, FramesFold, SourceLink
from codeexec.tui.output.rows import PAGE
from codeexec.tui.output.view import OutputView
from codeexec.tui.theme.theme import built_in_folder, find_theme

HARBOUR = find_theme("harbour", [built_in_folder()])
PAPER = find_theme("paper", [built_in_folder()])
TAIL = 120
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PNG = MimePart("image/png", 68, text=PIXEL)
TRACEBACK = (
    "\x1b[31mValueError\x1b[39m    Traceback (most recent call last)",
    "File /x/lib/python3.11/json/decoder.py:355, in raw_decode()\n    354 a\n--> 355 b\n",
    "Cell In[1], line 2\n      1 x\n----> 2 y\n",
    "\x1b[31mValueError\x1b[39m: no",
)
PROSE = "The quick brown fox jumps over the lazy dog"


def text_of(mime: str, text: str) -> Display:
    return Display(mime, (MimePart(mime, len(text), text),))


def shows(display: Display) -> Run:
    return Run("display", display=display)


def ran(*runs: Run, status: ExecutionStatus = "ok") -> ExecutionView:
    """An execution as a snapshot has it: its last rows are in hand."""
    total = sum(run.rows for run in runs)
    displays = tuple(run.display for run in runs if run.display is not None)
    error = next((run.error for run in runs if run.error is not None), None)
    tail = slice_runs(runs, max(total - TAIL, 0), total)
    return ExecutionView(
        "e",
        "f()",
        status,
        number=1,
        count=1,
        total=total,
        tail=tail,
        displays=displays,
        error=error,
    )


def view_of(*runs: Run, width: int = 80, picture_rows: int = 0) -> OutputView:
    view = OutputView(ran(*runs), OutputContext(HARBOUR, width=width, picture_rows=picture_rows))
    view.measure()
    return view


def lines(view: OutputView, width: int = 100) -> list[str]:
    return [view.render_row(line, width).text.rstrip() for line in range(view.height)]


@pytest.mark.parametrize(("width", "height"), [(200, 3), (50, 4), (40, 6), (10, 16)])
def test_rows_in_hand_wrap_at_the_width(width: int, height: int) -> None:
    view = view_of(Run("stdout", f"{PROSE}\nb\n{'c' * 100}"), width=80)
    view.context.width = width
    view.measure_again()
    assert view.height == height
    painted = lines(view, width + 2)
    assert painted[0].startswith("  The quick")
    assert all(len(line) <= width + 2 for line in painted)
    assert sum(line.count("c") for line in painted) == 101  # with that of "quick"
    assert [view.locate(view.row_top(row)) for row in range(3)] == [(0, 0), (1, 0), (2, 0)]


def test_a_long_output_has_one_line_a_row_and_scrolls_sideways() -> None:
    view = view_of(Run("stdout", "\n".join("ab" * 100 for _ in range(500))), width=40)
    assert view.height == 500
    assert view.paint(499, 0)[1].text == "ab" * 20
    assert view.paint(499, 0, left=1)[1].text == "ba" * 20


def test_rows_out_of_hand_are_requested_by_the_page_and_measured_when_they_come() -> None:
    rows = [Run("stdout", "\n".join(map(str, range(300)))), shows(text_of("text/plain", "a\nb\nc"))]
    view = view_of(*rows, Run("stdout", "\n".join(map(str, range(1000)))))
    context = view.context
    assert context.pages.take_wanted() == []
    assert lines(view)[0] == "  …"
    assert context.pages.take_wanted()[:2] == [("e", 0), ("e", 1)]
    assert view.height == 1301
    second = slice_runs(rows, PAGE, 301)
    context.pages.put("e", PAGE, second)
    assert view.measure_page(PAGE, second)
    assert view.height == 1303
    assert lines(view)[299:304] == ["  299", "  a", "  b", "  c", "  …"]
    context.width = 60  # what was measured of a page holds after a change of width
    view.measure_again()
    assert view.height == 1303


def test_rows_that_were_rewritten_are_measured_and_requested_again() -> None:
    view = view_of(Run("stdout", "\n".join(["x"] * 500)))
    view.context.pages.put("e", 0, [Run("stdout", "\n".join(["old"] * PAGE))])
    assert lines(view)[0] == "  old"
    view.update(ran(Run("stdout", "\n".join(["y"] * 400))), rewritten=0)
    assert (view.height, lines(view)[0]) == (400, "  …")
    assert ("e", 0) in view.context.pages.take_wanted()


def test_an_execution_that_grows_keeps_its_heights_until_it_no_longer_wraps() -> None:
    view = view_of(Run("stdout", PROSE), width=20)
    assert view.height == 3
    assert view.update(ran(Run("stdout", f"{PROSE}\n{PROSE}")))
    assert view.height == 6
    view.update(ran(Run("stdout", "\n".join([PROSE] * 121))))
    assert view.height == 121


def test_an_object_keeps_its_height_when_so_much_follows_that_text_no_longer_wraps() -> None:
    table = shows(text_of("text/plain", "a\nb\nc"))
    view = view_of(Run("stdout", PROSE), table, width=20)
    assert view.height == 3 + 3
    view.update(ran(Run("stdout", PROSE), table, Run("stdout", "\n".join(["row"] * 200))))
    assert view.height == 1 + 3 + 200
    assert lines(view)[4:6] == ["  …", "  …"]  # not in hand
    view.update(ran(Run("stdout", PROSE)), rewritten=1)
    assert view.height == 3


@pytest.mark.parametrize(
    ("mime", "content", "painted"),
    [
        ("text/plain", "one\ntwo", ["  one", "  two"]),
        ("text/html", "<p>3.2 <b>s</b></p>", ["  3.2 s"]),
        (
            "text/html",
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
            ["  a  b", "  1  2"],
        ),
        ("text/markdown", "# Head", ["  # Head"]),
        ("text/latex", "$\\alpha$", ["  α"]),
        ("application/x-unknown", "AAAA", ["  [application/x-unknown]"]),
    ],
)
def test_bodies_of_displays(mime: str, content: str, painted: list[str]) -> None:
    assert lines(view_of(shows(text_of(mime, content)))) == painted


def test_marks_in_the_gutter() -> None:
    result = Display("r", (MimePart("text/plain", 3, "4\n5"),), role="result")
    view = view_of(Run("stderr", "oh"), Run("stdin", "name? Ann"), shows(result))
    assert lines(view) == ["┆ oh", "  ⌨ name? Ann", "→ 4", "  5"]


def test_a_traceback_folds_frames_of_libraries_and_its_lines_are_links() -> None:
    error = ErrorInfo("ValueError", "no", TRACEBACK)
    view = view_of(Run("stdout", "before"), Run("error", error=error))
    folded = lines(view)
    fold = next(at for at, line in enumerate(folded) if "⋯ 1 frame in json" in line)
    assert not any("raw_decode" in line for line in folded)
    assert view.click_target(*view.locate(fold)) == FramesFold()
    view.toggle_frames()
    opened = lines(view)
    assert len(opened) > len(folded)
    at = next(at for at, line in enumerate(opened) if "decoder.py:355" in line)
    target = view.click_target(*view.locate(at))
    assert isinstance(target, SourceLink) and target.frame.line == 355
    assert view.click_target(*view.locate(0)) is None
    assert view.click_target(*view.locate(view.height - 1)) is None
    assert view.click_target(1, 1000) is None


def test_a_traceback_that_was_printed_is_a_link_too() -> None:
    printed = 'Traceback (most recent call last):\n  File "/x/a.py", line 7, in f\n    g()\nE: no'
    view = view_of(Run("stderr", printed))
    target = view.click_target(1, 0)
    assert isinstance(target, SourceLink) and target.frame.line == 7
    assert view.click_target(3, 0) is None


def test_a_display_is_a_link_to_its_present_form() -> None:
    old, new = text_of("text/plain", "old"), text_of("text/plain", "new")
    view = view_of(shows(old))
    view.update(ran(shows(new)))
    assert view.click_target(0, 0) == DisplayLink(new)
    assert lines(view) == ["  new"]


def test_a_picture_is_requested_once_for_each_width_and_takes_its_height() -> None:
    view = view_of(shows(Display("d", (PNG,))), Run("stdout", "after"), width=60, picture_rows=12)
    context = view.context
    assert lines(view)[0].startswith("  ▣ png image · 1×1")
    (first,) = context.pictures.take_wanted()
    assert (first.key, first.columns, first.rows) == ("d", 60, 12)
    lines(view)
    assert context.pictures.take_wanted() == []
    assert context.pictures.accepts("d", first.token)
    assert view.put_picture("d", [Strip([Segment("▀▀")]), Strip([Segment("▄▄")])])
    assert lines(view) == ["  ▀▀", "  ▄▄", "  after"]
    assert not view.put_picture("another", [])
    context.width = 50
    view.measure_again()
    lines(view)
    (second,) = context.pictures.take_wanted()
    assert second.columns == 50
    assert not context.pictures.accepts("d", first.token)


def test_a_picture_above_the_last_rows_takes_its_height_too() -> None:
    picture = shows(Display("d", (PNG,)))
    runs = (picture, Run("stdout", "\n".join(map(str, range(200)))))
    view = view_of(*runs, picture_rows=12)
    view.context.pages.put("e", 0, runs)
    assert lines(view)[0].startswith("  ▣ png image")
    view.put_picture("d", [Strip([Segment("a")]), Strip([Segment("b")]), Strip([Segment("c")])])
    assert lines(view)[:4] == ["  a", "  b", "  c", "  0"]


def test_no_picture_is_requested_where_it_is_only_described() -> None:
    view = view_of(shows(Display("d", (PNG,))))
    assert lines(view)[0].startswith("  ▣")
    assert view.context.pictures.take_wanted() == []
    view.context.picture_rows = 6
    view.context.picture_beside = "d"
    assert lines(view)[0].startswith("  ▣")
    assert view.context.pictures.take_wanted() == []


def test_another_theme_paints_everything_again() -> None:
    view = view_of(Run("stdout", "row"), shows(text_of("text/plain", "result")), picture_rows=6)

    def styles() -> list[object]:
        return [
            view.paint(row, 0)[1].apply_style(view.context.painter.theme.style("text"))
            for row in range(2)
        ]

    before = styles()
    view.context.use(PAPER)
    view.measure_again()
    assert lines(view) == ["  row", "  result"]
    assert all(old != new for old, new in zip(before, styles(), strict=True))


def test_text_for_the_clipboard_has_no_breaks_where_a_row_was_folded() -> None:
    result = Display("r", (MimePart("text/plain", len(PROSE), PROSE),), role="result")
    view = view_of(Run("stdout", f"{PROSE}\nend"), shows(result), width=20)
    text = ""
    for line in range(view.height):
        row, sub = view.locate(line)
        text += ("" if view.is_continued(row, sub) else "\n") + view.text(row, sub)
    assert text.strip() == f"{PROSE}\nend\n{PROSE}"


def test_the_last_lines_leave_out_blank_rows_at_the_end() -> None:
    view = view_of(Run("stdout", f"first\n{PROSE}\n\n"), width=22)
    assert [line.text.rstrip() for line in view.last_lines(2)] == [
        "  jumps over the lazy",
        "  dog",
    ]
    assert len(view.last_lines(10)) == 4
    assert view_of().last_lines(5) == []


def test_painted_bodies_are_bounded_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_view, "MOST_BODIES", 2)
    displays = [shows(Display(f"d{n}", (PNG,))) for n in range(3)]
    view = view_of(*displays, picture_rows=6)
    lines(view)
    keys = [request.key for request in view.context.pictures.take_wanted()]
    assert keys == ["d0", "d1", "d2"]
    assert len(view._bodies) == 2
    lines(view)  # what was dropped is painted, and its picture requested, again
    assert view.context.pictures.take_wanted()
