"""Tracebacks of a real kernel and of CPython, taken apart and folded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.manager import start_new_kernel

from codeexec.domain.outputs import ErrorInfo, Run, plain
from codeexec.domain.snapshot import ExecutionView
from codeexec.tui.render.traceback import (
    FoldedFrames,
    TracebackFrame,
    message_of_failure,
    parse,
    rows,
    rows_of_failure,
)

Fail = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def fail() -> Iterator[Fail]:
    """Runs code in a kernel and gives the traceback that it sends."""
    manager, client = start_new_kernel(kernel_name="python3")

    def run(code: str) -> list[str]:
        reply = client.execute_interactive(code, timeout=90, output_hook=lambda message: None)
        traceback: list[str] = reply["content"].get("traceback", [])
        return traceback

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_cells_and_libraries_are_told_apart(fail: Fail) -> None:
    fail("def f(x):\n    return 1 / x")
    traceback = parse(fail("import json\ndef g():\n    return json.loads('{')\ng()"))
    own = [frame for frame in traceback.frames if frame.is_user]
    assert [(frame.cell, frame.line) for frame in own] == [(2, 4), (2, 3)]
    assert own[1].function == "g()"
    library = [frame for frame in traceback.frames if not frame.is_user]
    assert library and all("json" in frame.path for frame in library)
    assert traceback.culprit == own[1]
    assert any("loads" in plain(row) for row in own[1].rows)


def test_libraries_fold_to_one_row(fail: Fail) -> None:
    traceback = parse(fail("import json\njson.loads('{')"))
    texts = [plain(row.text) for row in rows(traceback)]
    [fold] = [row for row in rows(traceback) if row.fold is not None]
    assert fold.text.strip() == "⋯ 3 frames in json"
    assert not any("decoder.py" in text for text in texts)
    assert texts[-1].startswith("JSONDecodeError")
    assert not any(text.startswith("-----") and len(text) > 20 for text in texts)
    opened = [plain(row.text) for row in rows(traceback, opened=True)]
    assert any("decoder.py" in text for text in opened)


def test_a_syntax_error_is_in_its_cell(fail: Fail) -> None:
    traceback = parse(fail("x = = 1"))
    [frame] = traceback.frames
    assert (frame.line, frame.is_user) == (1, True)
    assert [plain(row).strip() for row in frame.rows[1:]] == ["x = = 1", "^"]


def test_a_chain_keeps_both_ends(fail: Fail) -> None:
    code = "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError('k') from e"
    traceback = parse(fail(code))
    assert len(traceback.frames) == 2
    assert traceback.culprit is not None and traceback.culprit.line == 4
    text = "\n".join(plain(row.text) for row in rows(traceback))
    assert "direct cause" in text and "ZeroDivisionError: division by zero" in text


@pytest.mark.slow
def test_a_recursion_folds(fail: Fail) -> None:
    # A low limit: IPython formats each of the frames, 3,000 of them in seconds.
    limit = "import sys\nlimit = sys.getrecursionlimit()\nsys.setrecursionlimit(400)"
    assert not fail(limit)
    traceback = parse(fail("def r(n):\n    return r(n + 1)\nr(0)"))
    assert not fail("sys.setrecursionlimit(limit)")
    folds = [block for block in traceback.folded() if isinstance(block, FoldedFrames)]
    assert folds and folds[0].repeated
    assert len(rows(traceback)) < 40 < len(rows(traceback, opened=True))


def test_made_up_files_are_not_the_users(fail: Fail) -> None:
    traceback = parse(fail("exec('1/0')"))
    assert [frame.is_user for frame in traceback.frames] == [True, False]


def test_a_script_by_cpython(tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text("import json\n\n\ndef load():\n    json.loads('{')\n\n\nload()\n")
    said = subprocess.run([sys.executable, str(script)], capture_output=True, text=True).stderr
    traceback = parse([said.rstrip("\n")])
    own = [frame for frame in traceback.frames if frame.is_user]
    assert [(frame.path, frame.line) for frame in own] == [(str(script), 8), (str(script), 5)]
    assert own[1].function == "load"
    assert [row for row in rows(traceback) if row.frame == own[1]]


def test_user_roots_win_over_looks() -> None:
    text = ["File /home/me/lib/python3/main.py:3, in f()", "----> 3 boom()", "", "X: y"]
    assert parse(text).frames[0].is_user is False
    assert parse(text, ["/home/me/lib"]).frames[0].is_user is True
    packages = ["File /home/me/venv/lib/python3.12/site-packages/a/b.py:3, in f()"]
    assert parse(packages, ["/home/me"]).frames[0].is_user is False


def test_where_nothing_is_the_users_nothing_folds() -> None:
    traceback = parse(["File /usr/lib/python3.12/json/decoder.py:3, in f()", "----> 3 boom()"])
    assert all(isinstance(block, TracebackFrame) for block in traceback.folded())


@given(
    st.lists(
        st.sampled_from(
            [
                "Cell In[3], line 2, in g(x)",
                "----> 2     boom()",
                "      1 import json",
                "File /a/site-packages/b/c.py:12, in h()",
                '  File "main.py", line 9, in <module>',
                "    boom()",
                "",
                "ValueError: no",
                "\x1b[31mValueError\x1b[39m: no",
                "Cell In[3]",
                "Cell In[], line",
            ]
        )
    )
)
def test_nothing_is_lost(lines: list[str]) -> None:
    traceback = parse(lines)
    assert [row for block in traceback.blocks for row in block.rows] == lines
    shown = traceback.folded()
    unfolded = [
        block
        for item in shown
        for block in (item.frames if isinstance(item, FoldedFrames) else (item,))
    ]
    assert tuple(unfolded) == traceback.blocks


GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/v/site-packages/IPython/core/interactiveshell.py", line 3, in run_code
  |     exec(code_obj, self.user_global_ns, self.user_ns)
  |   File "/tmp/ipykernel_77/123456.py", line 10, in <module>
  |     raise ExceptionGroup("two jobs failed", errors)
  | ExceptionGroup: two jobs failed (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/tmp/ipykernel_77/123456.py", line 7, in <module>
    |     f()
    | KeyError: 'missing'
    | a note
    +---------------- 2 ----------------
    | Traceback (most recent call last):
    |   File "/home/me/jobs.py", line 3, in job
    |     1 / 0
    | ZeroDivisionError: division by zero
    +------------------------------------"""


def test_a_group_that_is_printed_to_stderr_has_its_rows() -> None:
    """IPython sends no traceback with the error of a group."""
    error = ErrorInfo("ExceptionGroup", "two jobs failed (2 sub-exceptions)")
    tail = (Run("stderr", f"a warning\n{GROUP}"), Run("stdout", "Traceback"))
    view = ExecutionView("e", "", "error", count=4, error=error, tail=tail)
    assert rows_of_failure(view) == tuple(GROUP.split("\n"))
    assert rows_of_failure(ExecutionView("e", "", "ok", tail=tail)) == ()
    chained = "Traceback (most recent call last):\n  x\n\nDuring handling of it:\n"
    view = ExecutionView("e", "", error=error, tail=(Run("stderr", chained + GROUP),))
    assert rows_of_failure(view)[0] == "Traceback (most recent call last):"
    sent = ErrorInfo("E", "v", ("the row",))
    assert rows_of_failure(ExecutionView("e", "", error=sent, tail=tail)) == ("the row",)


def test_frames_of_a_group_lead_to_their_lines() -> None:
    traceback = parse([GROUP], own_cell=4)
    own = [(frame.cell, frame.path, frame.line) for frame in traceback.frames if frame.is_user]
    assert own == [(4, "", 10), (4, "", 7), (None, "/home/me/jobs.py", 3)]
    assert [len(frame.rows) for frame in traceback.frames] == [2, 2, 2, 2]
    assert "\n".join(row.text for row in rows(traceback, opened=True)).count("\n") == 17


def test_cells_of_a_kernel_without_ipykernel_are_told_apart() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File \x1b[32m"<cell>"\x1b[0m, line \x1b[32m3\x1b[0m, in <module>',
        "    f()",
        '  File "<cell 2>", line 1, in f',
        "    json.loads('')",
        '  File "/usr/lib/python3.12/json/__init__.py", line 5, in loads',
        "\x1b[1m\x1b[31mValueError\x1b[0m: no",
    ]
    traceback = parse(lines, own_cell=7)
    assert [(f.cell, f.path, f.line, f.function) for f in traceback.frames[:2]] == [
        (7, "", 3, "<module>"),
        (2, "", 1, "f"),
    ]
    assert [frame.is_user for frame in traceback.frames] == [True, True, False]
    assert traceback.culprit is traceback.frames[1]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SyntaxError", "invalid syntax (<cell 3>, line 2)", "SyntaxError: invalid syntax"),
        ("SyntaxError", "invalid syntax (1205200785.py, line 2)", "SyntaxError: invalid syntax"),
        ("SyntaxError", "invalid syntax (mine.py, line 2)", None),
        ("ValueError", "", "ValueError"),
    ],
)
def test_messages_name_no_file_that_ipython_made_up(
    name: str, value: str, message: str | None
) -> None:
    view = ExecutionView("e", "x", "error", error=ErrorInfo(name, value))
    assert message_of_failure(view) == (message or f"{name}: {value}")
