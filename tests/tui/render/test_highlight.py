"""Code and tracebacks in the theme's syntax colours, no character lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.token import Token
from rich.segment import Segment

from codeexec.domain.outputs import plain
from codeexec.tui.render.highlight import MOST_COLORED, highlight, meaning_of
from codeexec.tui.render.traceback import parse, rows
from codeexec.tui.render.traceback_paint import paint
from codeexec.tui.theme.theme import built_in_folder, find_theme

HARBOUR = find_theme("harbour", [built_in_folder()])

PRINTED = [
    "\x1b[31m" + "-" * 75 + "\x1b[39m",
    "\x1b[31mZeroDivisionError\x1b[39m                         Traceback (most recent call last)",
    "\x1b[36mCell\x1b[39m \x1b[32mIn[3]\x1b[39m, line 2, in f(x)",
    '\x1b[32m      1\x1b[39m def f(x): """a\n      2     b"""\n----> 3     return 1/x',
    "",
    "File /usr/lib/python3.12/site-packages/pandas/core.py:12, in g(x)\n---> 12 x",
    "",
    "\x1b[31mZeroDivisionError\x1b[39m: division by zero",
]


def _text(segments: list[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def test_tokens_mean_what_their_kin_mean() -> None:
    assert meaning_of(Token.Name.Function.Magic) == "syntax.function"
    assert meaning_of(Token.Literal.String.Doc) == "syntax.string"
    assert meaning_of(Token.Unheard.Of) == "syntax.text"


def test_code_has_the_colours_of_the_theme() -> None:
    [line] = highlight("def f(): return 1  # one", "python", HARBOUR)
    styles = {segment.text: segment.style for segment in line}
    assert styles["def"] == HARBOUR.style("syntax.keyword")
    assert styles["f"] == HARBOUR.style("syntax.function")
    assert styles["1"] == HARBOUR.style("syntax.number")
    assert styles["# one"] == HARBOUR.style("syntax.comment")


code = st.lists(st.sampled_from(["def f(x):", '"""', "  x = 'a'", "", "# é 日本", "\t@", "\\"]))


@pytest.mark.parametrize("language", ["python", "javascript", "rust", "no-such-language"])
@given(code)
def test_no_character_is_lost(language: str, lines: list[str]) -> None:
    text = "\n".join(lines)
    assert [_text(row) for row in highlight(text, language, HARBOUR)] == text.split("\n")


@pytest.mark.parametrize("opened", [False, True])
def test_a_painted_traceback_says_the_same(opened: bool) -> None:
    shown = rows(parse(PRINTED), opened=opened)
    painted = paint(shown, HARBOUR)
    assert [_text(row) for row in painted] == [plain(row.text) for row in shown]


def test_the_line_at_fault_stands_out() -> None:
    painted = paint(rows(parse(PRINTED)), HARBOUR)
    fault = next(row for row in painted if _text(row).startswith("----> 3"))
    ground = HARBOUR.style("traceback.line").bgcolor
    assert all(segment.style and segment.style.bgcolor == ground for segment in fault[1:])
    docstring = next(row for row in painted if '    b"""' in _text(row))
    assert docstring[1].style == HARBOUR.style("syntax.string")
    error = painted[-1]
    assert error[0].style == HARBOUR.style("traceback.error")


@pytest.mark.slow
def test_very_long_code_is_coloured_at_its_beginning_and_whole() -> None:
    lines = [f"value_{number} = {number}" for number in range(200_000)]
    painted = highlight("\n".join(lines), "python", HARBOUR)
    assert ["".join(part.text for part in row) for row in painted] == lines
    count = next(at for at, row in enumerate(painted) if len(row) == 1)
    assert MOST_COLORED <= len("\n".join(lines[:count])) <= MOST_COLORED + 40
    assert all(len(row) == 1 for row in painted[count:])
