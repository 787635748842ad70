"""The page's fold in JavaScript comes to the same executions as ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from codeexec.domain.events import (
    AnyEvent,
    CellRef,
    DisplayUpdated,
    ExecutionFinished,
    ExecutionQueued,
    ExecutionStarted,
    InputCounted,
    OutputChanged,
    Recorded,
    StdinAnswered,
    StdinRequested,
)
from codeexec.domain.events.comms import CommChanged, CommClosed, CommOpened
from codeexec.domain.fold import apply
from codeexec.domain.options import DEFAULT_KERNEL
from codeexec.domain.outputs import Display, ErrorInfo, MimePart, Run, iter_rows
from codeexec.domain.snapshot import Snapshot
from codeexec.server import browser
from codeexec.server.browser.widgets import all_widgets, widget_changes

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed: apt-get install nodejs"
)

PICTURE = Display("key-1", (MimePart("text/plain", 3, "old"),), display_id="shown")

EVENTS: tuple[AnyEvent, ...] = (
    ExecutionQueued("a", "print(1)", cell=CellRef("/x/a.py", "c1")),
    ExecutionQueued("b", "1/0", cell=CellRef("/x/a.py", "c1"), is_agent=True, confirm="risky"),
    ExecutionStarted("a"),
    InputCounted("a", 7),
    OutputChanged("a", 0, 3, (Run("stdout", "one\ntwo\nthree"),)),
    OutputChanged("a", 2, 4, (Run("stdout", "three again"), Run("display", display=PICTURE))),
    OutputChanged("a", 4, 6, (Run("stderr", "warning"), Run("stdout", ""))),
    # Rows 6 to 99 are left out, as in a flood.
    OutputChanged("a", 5, 102, (Run("stdout", "row 100\nrow 101"),)),
    OutputChanged("a", 102, 103, (Run("display", display=PICTURE),)),
    DisplayUpdated("shown", (MimePart("text/plain", 3, "new"),)),
    StdinRequested("r", "a", "Name: "),
    StdinAnswered("r", "a", "anna"),
    ExecutionFinished("a", "ok"),
    ExecutionStarted("b"),
    OutputChanged("b", 0, 1, (Run("error", error=ErrorInfo("E", "wrong", ("E: wrong",))),)),
    ExecutionFinished("b", "error", error=ErrorInfo("E", "wrong")),
    OutputChanged("unknown", 0, 1, (Run("stdout", "of no execution here"),)),
)

SCRIPT = """
import { readFileSync } from "node:fs";
import { Session, shownIds } from "./fold.js";
import { segments } from "./ansi.js";
const { lines, earlier, rows } = JSON.parse(readFileSync(0));
const session = new Session();
for (const line of lines) session.take(line);
const told = e => e && ({ id: e.id, status: e.status, count: e.count, total: e.total,
  first: e.first, rows: e.rows, stdin: e.stdin, confirm: e.confirm, agent: e.agent });
const executions = [...session.executions.values()].map(told);
const merged = earlier.map(([start, runs]) => session.executions.get("a").takeEarlier(start, runs));
console.log(JSON.stringify({ executions, merged, seq: session.seq, draws: session.isInteractive,
  states: Object.fromEntries([...session.board.models].map(([id, model]) => [id, model.state])),
  alive: [...session.board.models.keys()].filter(model => session.board.isAlive(model)),
  handled: [...session.board.models.values()].map(model => model.handled),
  whole: told(session.executions.get("a")), latest: [...shownIds(session.executions, true)],
  segments: rows.map(segments) }));
"""


def fold_in_javascript(
    lines: Sequence[object], earlier: Sequence[object] = (), rows: Sequence[str] = ()
) -> Any:
    done = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT],
        input=msgspec.json.encode({"lines": lines, "earlier": earlier, "rows": rows}),
        cwd=Path(browser.__file__).parent / "static", capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def rows_of(runs: tuple[Run, ...]) -> list[object]:
    """As the page holds them."""
    rows: list[object] = []
    for run in iter_rows(runs):
        if run.display is not None:
            rows.append({"kind": "display", "display": msgspec.to_builtins(run.display)})
        elif run.error is not None:
            rows.append({"kind": "error", "error": msgspec.to_builtins(run.error)})
        else:
            rows.append({"kind": run.kind, "text": run.text})
    return list(json.loads(json.dumps(rows)))


@pytest.mark.parametrize("size", [1, 4, 100])
def test_the_page_has_the_rows_that_the_session_has(size: int) -> None:
    records = [Recorded(number, 1000.0 + number, event) for number, event in enumerate(EVENTS, 1)]
    batches = [records[start : start + size] for start in range(0, len(records), size)]
    lines: list[object] = [{"seq": batch[-1].seq, "events": batch} for batch in batches]
    # A line that comes twice, as after a cut, changes nothing.
    result = fold_in_javascript([{"interactive": True}, *lines, *lines])
    assert result["draws"] is True
    snapshot = apply(Snapshot(), records)
    assert result["seq"] == snapshot.seq
    assert [view["id"] for view in result["executions"]] == list(snapshot.executions)
    for execution, view in zip(result["executions"], snapshot.executions.values(), strict=True):
        assert execution["status"] == view.status
        assert execution["count"] == view.count
        assert execution["total"] == view.total
        assert execution["rows"] == rows_of(view.tail)
        assert execution["first"] == view.total - len(execution["rows"])
        assert execution["stdin"] is None and execution["confirm"] == ""
        assert execution["agent"] == view.is_agent
    assert result["latest"] == ["b"]


def test_a_state_takes_the_place_of_events_and_earlier_rows_are_joined() -> None:
    view = msgspec.to_builtins(
        apply(Snapshot(), [Recorded(n, 0.0, event) for n, event in enumerate(EVENTS[:4], 1)])
        .executions["a"]
    )  # fmt: skip
    view |= {"total": 5, "tail": [{"kind": "stdout", "text": "three\nfour"}]}
    state = {"seq": 9, "head": {"name": "x"}, "executions": [view], "more": True}
    late = Recorded(9, 0.0, OutputChanged("a", 0, 1, (Run("stdout", "in the state already"),)))
    nexts = Recorded(10, 0.0, OutputChanged("a", 5, 6, (Run("stdout", "five"),)))
    result = fold_in_javascript(
        [{"state": state}, {"seq": 10, "events": [late, nexts]}],
        earlier=[
            (0, [{"kind": "stdout", "text": "a hole after it"}]),
            (1, [{"kind": "stdout", "text": "one\ntwo\nthree"}]),  # reaches into what is there
            (0, [{"kind": "stderr", "text": "zero"}]),
        ],
    )
    assert result["executions"][0]["first"] == 3
    assert result["merged"] == [False, True, True]
    texts = [row["text"] for row in result["whole"]["rows"]]
    assert texts == ["zero", "one", "two", "three", "four", "five"]


def test_the_page_has_the_widgets_that_the_session_has() -> None:
    view = "application/vnd.jupyter.widget-view+json"
    parts = (MimePart(view, 9, '{"model_id": "bar"}'), MimePart("text/plain", 5, "value"))
    display = Display("key-2", parts, display_id="widget-bar")
    events: tuple[AnyEvent, ...] = (
        ExecutionQueued("a", "bar"),
        CommOpened("bar", "jupyter.widget", "a", {"_model_name": "IntProgressModel", "value": 0}),
        CommOpened("out", "jupyter.widget", "a", {"_model_name": "OutputModel", "msg_id": "x"}),
        OutputChanged("a", 0, 1, (Run("display", display=display),)),
        CommChanged("bar", {"value": 1}, handled=("m1",)),
        CommChanged("bar", {"value": 2, "max": 9}, handled=("m2",)),
        DisplayUpdated("widget-bar", (parts[0], MimePart("text/plain", 5, "other"))),
        CommClosed("out"),
        CommChanged("unknown", {"value": 1}),
    )
    records = [Recorded(number, 0.0, event) for number, event in enumerate(events, 1)]
    snapshot = Snapshot()
    head = {"closed": False, "kernels": {DEFAULT_KERNEL: {"generation": 0, "state": "busy"}}}
    lines: list[object] = []
    for start, end in ((0, 3), (3, 5), (5, 9)):
        batch = records[start:end]
        snapshot = apply(snapshot, batch)
        changes = widget_changes(batch, snapshot.comms)
        lines.append({"seq": end, "events": batch, "widgets": changes, "head": head})
    result = fold_in_javascript(lines)
    assert result["states"] == {
        model: dict(widget.state) for model, widget in snapshot.comms.items()
    }
    assert result["alive"] == ["bar"]
    assert result["handled"] == [["m1", "m2"], []]
    (execution,) = result["executions"]
    assert execution["rows"][0]["display"]["parts"][1]["text"] == "other"
    # A later page begins with the same.
    state = {"seq": 9, "head": head, "executions": [], "widgets": all_widgets(snapshot.comms)}
    assert fold_in_javascript([{"state": state}])["states"] == result["states"]


def test_colours_and_links_of_a_row() -> None:
    rows = [
        "plain",
        "\x1b[1;31mred\x1b[39m bold\x1b[0m none",
        "\x1b[38;5;196mcube\x1b[48;2;1;2;3mback\x1b[0m",
        "\x1b[38:2::9:8:7mcolon\x1b[m",
        "\x1b]8;;https://example.org/a\x1b\\link\x1b]8;;\x1b\\ after",
        "\x1b]8;;javascript:alert(1)\x1b\\none\x1b]8;;\x1b\\",
    ]
    result = fold_in_javascript([], rows=rows)["segments"]
    assert result == [
        [["plain", {}, ""]],
        [
            ["red", {"bold": True, "front": "var(--c1)"}, ""],
            [" bold", {"bold": True}, ""],
            [" none", {}, ""],
        ],
        [
            ["cube", {"front": "rgb(255 0 0)"}, ""],
            ["back", {"front": "rgb(255 0 0)", "back": "rgb(1 2 3)"}, ""],
        ],
        [["colon", {"front": "rgb(9 8 7)"}, ""]],
        [["link", {}, "https://example.org/a"], [" after", {}, ""]],
        [["none", {}, ""]],
    ]
