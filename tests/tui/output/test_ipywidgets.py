"""Widgets as lines: what they show, what keys and clicks do, and whatever a kernel sends."""

from __future__ import annotations

import time

import pytest
from textual.strip import Strip

from codeexec.domain.content.comms import CommView
from codeexec.domain.errors import UsageError
from codeexec.domain.snapshot import KernelView, Snapshot
from codeexec.tui.output.bodies import BodyPainter
from codeexec.tui.output.ipywidgets.board import WidgetBoard
from codeexec.tui.output.ipywidgets.drawing import Control, Drawing
from codeexec.tui.output.ipywidgets.operate import (
    AskOption,
    AskText,
    Click,
    Effect,
    OpenChild,
    SetState,
    activate,
    entered,
    move,
    press,
)
from codeexec.tui.output.ipywidgets.painter import MOST_LINES
from codeexec.tui.render.ansi import AnsiPainter
from codeexec.tui.theme.theme import built_in_folder, find_theme

HARBOUR = find_theme("harbour", [built_in_folder()])


class Page:
    """Models of a kernel, and how the view of `root` looks."""

    def __init__(self, root: dict[str, object], **models: dict[str, object]) -> None:
        self.models = {"root": root, **models}
        self.kernel = KernelView(state="idle", generation=1)
        self.board = WidgetBoard()
        self.follow()

    def follow(self) -> None:
        comms = {
            name: CommView(name, "jupyter.widget", "python", 1, state=state)
            for name, state in self.models.items()
        }
        self.board.take(Snapshot(comms=comms, kernels={"python": self.kernel}))

    def drawing(self, width: int = 60) -> Drawing:
        bodies = BodyPainter(HARBOUR, AnsiPainter(HARBOUR))
        return bodies.draw_widget(self.board, "root", width)

    def lines(self, width: int = 60) -> list[str]:
        return [line.text.rstrip() for line in self.drawing(width).lines]

    def control(self, number: int = 0) -> Control:
        return self.drawing().controls[number]


def widget(kind: str, **state: object) -> dict[str, object]:
    return {"_model_name": f"{kind}Model", **state}


def box(kind: str, *children: str, **state: object) -> dict[str, object]:
    return widget(kind, children=[f"IPY_MODEL_{child}" for child in children], **state)


def test_sliders() -> None:
    page = Page(widget("IntSlider", value=7, min=0, max=9, description="n:"))
    assert page.lines() == ["n ━━━━━━━━━━━━━━━━━━●───── 7"]
    control = page.control()
    assert move(page.board, control, "more") == SetState("root", {"value": 8})
    assert move(page.board, control, "most") == SetState("root", {"value": 9})
    assert press(page.board, control, control.x) == SetState("root", {"value": 0})
    assert press(page.board, control, control.x + 23) == SetState("root", {"value": 9})
    assert entered(page.board, "root", "99") == SetState("root", {"value": 9})
    with pytest.raises(UsageError, match="a number"):
        entered(page.board, "root", "many")

    state = {"value": 0.5, "min": 0.0, "max": 1.0, "step": 0.1, "readout_format": ".2f"}
    page = Page(widget("FloatSlider", **state))
    assert page.lines()[0].endswith(" 0.50")
    assert move(page.board, page.control(), "more") == SetState("root", {"value": 0.6})
    page = Page(widget("FloatLogSlider", value=10.0, min=0.0, max=2.0, step=1.0, base=10.0))
    assert move(page.board, page.control(), "more") == SetState("root", {"value": 100.0})
    page = Page(widget("IntRangeSlider", value=[2, 7], min=0, max=10))
    assert page.lines() == ["─────●━━━━━━━━━━●─────── 2 – 7"]
    assert move(page.board, page.control(), "more") == SetState("root", {"value": [2, 8]})
    assert move(page.board, page.control(), "raise") == SetState("root", {"value": [3, 7]})
    assert press(page.board, page.control(), 0) == SetState("root", {"value": [0, 7]})
    assert entered(page.board, "root", "3 9") == SetState("root", {"value": [3, 9]})


DAY: dict[str, object] = {"year": 2026, "month": 2, "date": 1}


@pytest.mark.parametrize(
    ("state", "lines", "effect"),
    [
        (widget("Button", description="Go"), ["[ Go ]"], Click("root")),
        (
            widget("Checkbox", value=False, description="ready"),
            ["[ ] ready"],
            SetState("root", {"value": True}),
        ),
        (
            widget("ToggleButton", value=True, description="on"),
            ["[ ✓ on ]"],
            SetState("root", {"value": False}),
        ),
        (
            widget("Dropdown", _options_labels=["a", "b"], index=1, description="d"),
            ["d b ▾"],
            AskOption("root", ("a", "b")),
        ),
        (
            widget("RadioButtons", _options_labels=["a", "b"], index=1),
            ["( ) a", "(•) b"],
            SetState("root", {"index": 0}),
        ),
        (
            widget("SelectMultiple", _options_labels=["a", "b"], index=[1]),
            ["[ ] a", "[x] b"],
            SetState("root", {"index": [0, 1]}),
        ),
        (
            widget("ToggleButtons", _options_labels=["a", "b"], index=1),
            ["[ a ] [ b ]"],
            SetState("root", {"index": 0}),
        ),
        (widget("Text", value="x", description="name"), ["name x"], AskText("root", "x")),
        (widget("Password", value="abc"), ["•••"], AskText("root", "abc")),
        (
            widget("DatePicker", value={"year": 2026, "month": 2, "date": 1}),
            ["2026-03-01"],
            AskText("root", "2026-03-01"),
        ),
        (
            widget("Time", value={"hours": 9, "minutes": 5, "seconds": 0, "milliseconds": 0}),
            ["09:05"],
            AskText("root", "09:05"),
        ),
        (
            widget("NaiveDatetime", value={**DAY, "hours": 14, "minutes": 30, "seconds": 7}),
            ["2026-03-01 14:30:07"],
            AskText("root", "2026-03-01 14:30:07"),
        ),
        (
            widget("Play", value=2, max=9, playing=False, repeat=False),
            ["[ ▶ ] [ ■ ] [ ↻ ] 2 / 9"],
            SetState("root", {"playing": True}),
        ),
        (
            widget("Play", value=9, max=9, _playing=False, show_repeat=False),  # of ipywidgets 7
            ["[ ▶ ] [ ■ ] 9 / 9"],
            SetState("root", {"_playing": True, "value": 0}),
        ),
    ],
)
def test_controls(state: dict[str, object], lines: list[str], effect: Effect) -> None:
    page = Page(state)
    assert page.lines() == lines
    assert activate(page.board, page.control()) == effect


def test_an_animation_is_stopped_repeated_and_moved() -> None:
    page = Page(widget("Play", value=4, min=1, max=9, step=2, playing=True, repeat=False))
    stop, repeat = page.control(1), page.control(2)
    assert activate(page.board, page.control()) == SetState("root", {"playing": False})
    assert activate(page.board, stop) == SetState("root", {"playing": False, "value": 1})
    assert activate(page.board, repeat) == SetState("root", {"repeat": True})
    assert move(page.board, stop, "more") == SetState("root", {"value": 6})


def test_dates_and_times_are_typed_and_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(widget("DatePicker", value={**DAY, "date": 28, "month": 1}))
    assert entered(page.board, "root", "2024-02-29") == SetState(
        "root", {"value": {"year": 2024, "month": 1, "date": 29}}
    )
    assert entered(page.board, "root", " ") == SetState("root", {"value": None})
    assert move(page.board, page.control(), "more") == SetState("root", {"value": DAY})
    for wrong in ("2026-02-30", "soon", "2026-3-1"):
        with pytest.raises(UsageError, match="a date, such as"):
            entered(page.board, "root", wrong)

    clock = {"hours": 23, "minutes": 59, "seconds": 0, "milliseconds": 0}
    page = Page(widget("Time", value=clock, step=60))
    assert entered(page.board, "root", "07:08:09") == SetState(
        "root", {"value": {"hours": 7, "minutes": 8, "seconds": 9, "milliseconds": 0}}
    )
    assert move(page.board, page.control(), "less") == SetState(
        "root", {"value": {**clock, "minutes": 58}}
    )
    assert move(page.board, page.control(), "more") is None  # not over midnight
    with pytest.raises(UsageError, match="a time, such as"):
        entered(page.board, "root", "25:00")

    # A moment with a time zone is in UTC; here it is the time of this machine.
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        page = Page(widget("Datetime", value={**DAY, "hours": 9, "minutes": 0}))
        assert page.lines() == ["2026-03-01 14:30"]
        value = {**DAY, "hours": 9, "minutes": 30, "seconds": 0, "milliseconds": 0}
        for typed in ("2026-03-01 15:00", "2026-03-01T09:30Z"):
            assert entered(page.board, "root", typed) == SetState("root", {"value": value})
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_widget_of_its_own_shows_its_name_and_what_it_holds() -> None:
    state = {
        "_anywidget_id": "some.place.Counter",
        "count": 4,
        "_esm": "x",
        "layout": "IPY_MODEL_l",
    }
    page = Page(widget("Any", **state))
    assert page.lines(90) == ["[Counter count 4 · Jupyter shows it, from the saved notebook]"]


def test_what_takes_no_keys() -> None:
    assert Page(widget("Label", value="a & b")).lines() == ["a & b"]
    assert Page(widget("HTML", value="<b>x</b>&lt;")).lines() == ["x<"]
    bar = Page(widget("IntProgress", value=5, min=0, max=10, description="part:"))
    assert bar.lines() == ["part ████████████░░░░░░░░░░░░"]
    assert not bar.drawing().controls
    assert "FigureModel" not in Page(widget("Figure", value=3)).lines()[0]
    assert "Figure 3 · Jupyter shows it" in Page(widget("Figure", value=3)).lines()[0]
    page = Page(widget("Button", description="Go", disabled=True))
    assert page.lines() == ["[ Go ]"] and not page.drawing().controls


def test_boxes_tabs_and_accordions() -> None:
    models = {name: widget("Label", value=name) for name in ("one", "two")}
    assert Page(box("VBox", "one", "two"), **models).lines() == ["one", "two"]
    assert Page(box("HBox", "one", "two"), **models).lines() == ["one  two"]
    assert Page(box("HBox", "one", "two"), **models).lines(8) == ["one  two"]
    models["two"] = widget("Label", value="longer")
    assert Page(box("HBox", "one", "two"), **models).lines(8) == ["one", "longer"]
    page = Page(box("Tab", "one", "two", titles=["A", "B"], selected_index=1), **models)
    assert page.lines() == [" A   B", "  longer"]
    assert activate(page.board, page.control()) == OpenChild("root", 0)
    page.board.select("root", 0)
    assert page.lines() == [" A   B", "  one"]
    page = Page(box("Accordion", "one", "two", titles=["A"]), **models)
    assert page.lines() == ["▸ A", "▸ 2"]
    page.board.select("root", 1)
    assert page.lines() == ["▸ A", "▾ 2", "  longer"]
    output = {"output_type": "stream", "name": "stdout", "text": "old\rnew\nend\n"}
    picture = {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo="}}
    page = Page(widget("Output", outputs=[output, picture]))
    assert page.lines()[:2] == ["new", "end"]
    drawing = page.drawing()
    assert drawing.picture is not None and drawing.picture_row == 2


def test_an_image_is_painted_in_its_place() -> None:
    view = CommView(
        "root",
        "jupyter.widget",
        "python",
        1,
        state=widget("Image", format="png"),
        buffers={"value": "iVBORw0KGgo="},
    )
    board = WidgetBoard()
    board.take(Snapshot(comms={"root": view}))
    painted = BodyPainter(HARBOUR, AnsiPainter(HARBOUR)).widget(board, "root", 40)
    assert painted.part is not None and painted.part.mime == "image/png"
    assert painted.lines[0].text == "▣ png image · 9 B"
    with_picture = painted.with_picture([Strip([]), Strip([])])
    assert len(with_picture.lines) == len(painted.lines) + 1


def test_what_waits_and_what_is_over() -> None:
    page = Page(widget("IntSlider", value=3, min=0, max=9))
    page.board.set("root", {"value": 5})
    assert page.lines()[0].endswith(" 5")
    page.kernel = KernelView(state="busy", generation=1)
    page.follow()
    assert page.lines()[0].endswith("5 ⧗ waits for the kernel")
    page.board.settle("root")
    assert page.lines()[0].endswith(" 3")
    page.kernel = KernelView(state="idle", generation=2)
    page.follow()
    assert not page.drawing().controls
    assert "run its cell again" in page.lines()[1]


HOSTILE: list[object] = [
    "x" * 2_000_000,
    "\x1b[2J\x07\r\n",
    None,
    -1,
    1e308,
    10**400,
    [],
    [[]],
    {"a": [1]},
    True,
]


@pytest.mark.parametrize(
    "kind",
    [
        *("IntSlider", "FloatSlider", "FloatLogSlider", "IntRangeSlider", "SelectionSlider"),
        *("IntProgress", "Button", "Checkbox", "ToggleButton", "ToggleButtons", "Text", "Textarea"),
        *("IntText", "Dropdown", "RadioButtons", "Select", "Label", "HTML", "VBox", "HBox", "Tab"),
        *("Accordion", "Stack", "Output", "Image", "DatePicker", "Time", "Datetime", "Play"),
        *("Valid", "Whatever\x1b[31m"),
    ],
)
def test_hostile_state_is_drawn_in_bounds(kind: str) -> None:
    names = [
        *("value", "min", "max", "step", "description", "_options_labels", "index", "children"),
        *("titles", "outputs", "selected_index", "readout_format", "base", "rows", "layout"),
    ]
    plain: dict[str, object] = {"value": 3, "min": 0, "max": 9, "index": 0}
    for name in names:
        for value in HOSTILE:
            page = Page(widget(kind, **{**plain, name: value}))
            drawing = page.drawing(40)
            assert len(drawing.lines) <= MOST_LINES + 2
            for line in drawing.lines:
                assert line.cell_length <= 40
                assert "\x1b" not in line.text and "\n" not in line.text
            for control in drawing.controls:
                activate(page.board, control)
                move(page.board, control, "more")
                press(page.board, control, control.x + 1)


def test_cycles_and_crowds_are_cut() -> None:
    page = Page(box("VBox", "child"), child=box("VBox", "root"))
    assert page.lines() == ["… a widget that contains itself"]
    labels = {f"l{number}": widget("Label", value="x") for number in range(3000)}
    page = Page(box("VBox", *labels), **labels)
    assert len(page.lines()) <= MOST_LINES + 1
