"""Colours: an edited tree says what a fresh one says, and only about the lines asked for."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.text import tree_parse
from codeexec.tui.panes.editor.text.lexer_syntax import LexerSyntax, token_name
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.syntax import (
    NoSyntax,
    TreeSyntax,
    syntax_for,
)
from codeexec.tui.panes.editor.text.text import Location

CODE = '''@wrap
def f(a, b=1):
    """Doc é
    more"""
    return not A.b + f"x{a}\\n"  # why
'''


def finish(syntax: TreeSyntax | LexerSyntax | NoSyntax) -> None:
    while not syntax.work(0.001):
        pass


def names(syntax: TreeSyntax | LexerSyntax | NoSyntax, line: int, text: str, part: str) -> str:
    """What the last span that covers `part` says."""
    column = text.index(part)
    found = [
        name for start, end, name in syntax.spans(line, line).get(line, []) if start <= column < end
    ]
    return found[-1] if found else ""


@pytest.mark.parametrize(
    ("line", "part", "name"),
    [
        (0, "wrap", "decorator"),
        (1, "def", "keyword"),
        (1, "f(", "function"),
        (1, "a", "parameter"),
        (1, "1", "number"),
        (1, "(", "punctuation"),
        (2, "Doc", "string"),
        (3, "more", "string"),
        (4, "return", "keyword"),
        (4, "not", "keyword"),
        (4, ".", "punctuation"),
        (4, "+", "operator"),
        (4, "\\n", "string.escape"),
        (4, "# why", "comment"),
    ],
)
def test_python_by_tree(line: int, part: str, name: str) -> None:
    model = EditorModel(CODE, by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, TreeSyntax)
    finish(syntax)
    assert names(syntax, line, model.lines[line], part) == name


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_edited_tree_agrees_with_a_fresh_one(data: st.DataObject) -> None:
    model = EditorModel(CODE * 3, by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    model.listeners.append(syntax.changed)
    finish(syntax)
    for _ in range(4):
        line = data.draw(st.integers(0, len(model.lines) - 1))
        column = data.draw(st.integers(0, len(model.lines[line])))
        end_line = min(line + data.draw(st.integers(0, 2)), len(model.lines) - 1)
        end = max(Location(line, column), Location(end_line, 0))
        text = data.draw(st.sampled_from(["x", '"""', "é = [1]\n", "", "# %%\n", ")"]))
        model.edit([(Location(line, column), end, text)])
        if data.draw(st.booleans()):
            syntax.work(0.00001)
        assert isinstance(syntax, TreeSyntax)
        assert all(entry[2] < len(model.lines) for entry in syntax.symbols())
    # Of broken code no two parses agree in what they make of it: back to what was whole.
    while model.undo():
        if data.draw(st.booleans()):
            syntax.work(0.00001)
    finish(syntax)
    fresh = syntax_for(model.language, model.buffer)
    finish(fresh)
    last = len(model.lines) - 1
    assert syntax.spans(0, last) == fresh.spans(0, last)


def test_symbols_of_parts_are_those_of_the_whole() -> None:
    model = EditorModel(
        "class A:\n    def f(self):\n        pass\n\n\ndef g(): ...\n" * 3, by_name("python")
    )
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, TreeSyntax)
    finish(syntax)
    parts = [entry for first in range(0, 18, 2) for entry in syntax.symbols(first, first + 1)]
    assert set(parts) == set(syntax.symbols())
    assert syntax.symbols(0, 0) == [("A", "class", 0)]


def test_a_big_file_is_parsed_in_slices() -> None:
    model = EditorModel(CODE * 4000, by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    slices = 1
    while not syntax.work(0.001):
        slices += 1
    assert slices > 5
    assert names(syntax, 19_001, model.lines[19_001], "def") == "keyword"


async def test_a_parse_in_a_thread_is_not_disturbed_by_edits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tree_parse, "_PATIENCE", 3600.0)
    may_end = threading.Event()
    model = EditorModel(CODE * 4000, by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, TreeSyntax)
    model.listeners.append(syntax.changed)
    finish(syntax)
    assert syntax.is_slow
    model.edit([(Location(0, 0), Location(0, 0), "def g(): pass\n")])
    # It stands back in its thread until it may end.
    parsing = asyncio.ensure_future(syntax.work_in_thread(lambda: not may_end.is_set()))
    await asyncio.sleep(0)  # it has begun
    assert not syntax.work(0.001)  # one parser is not used by two threads
    model.edit([(Location(0, 0), Location(0, 0), "x = 'a'\n\n")])
    may_end.set()
    assert not await parsing  # the text is another one by now
    assert names(syntax, 2, model.lines[2], "def") == "keyword"
    assert await syntax.work_in_thread()
    assert names(syntax, 0, model.lines[0], "'a'") == "string"
    fresh = syntax_for(model.language, model.buffer)
    finish(fresh)
    assert syntax.spans(0, 40) == fresh.spans(0, 40)


async def test_a_parse_whose_worker_was_cancelled_is_taken_later() -> None:
    model = EditorModel(CODE * 4000, by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, TreeSyntax)
    model.listeners.append(syntax.changed)
    finish(syntax)
    model.edit([(Location(0, 0), Location(0, 0), "def g(): pass\n")])
    parsing = asyncio.ensure_future(syntax.work_in_thread())
    await asyncio.sleep(0)
    parsing.cancel()
    await asyncio.gather(parsing, return_exceptions=True)
    for _ in range(10_000):
        if syntax.work(0.001):
            break
        await asyncio.sleep(0.001)
    assert names(syntax, 0, model.lines[0], "def") == "keyword"


def test_very_long_lines_are_left_plain() -> None:
    model = EditorModel("x = 1\n" + "y" * 30_000 + "\nz = 2", by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    finish(syntax)
    found = syntax.spans(0, 2)
    assert 1 not in found
    assert found[0]
    assert found[2]


def test_symbols_of_a_python_file() -> None:
    model = EditorModel("class A:\n    def méthod(self):\n        pass\n", by_name("python"))
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, TreeSyntax)
    finish(syntax)
    assert syntax.symbols() == [("A", "class", 0), ("méthod", "function", 1)]


def test_pygments_where_there_is_no_grammar() -> None:
    model = EditorModel("# top\nputs 'hi'\n=begin\nall\n=end\nx = 1\n", by_name("ruby"))
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, LexerSyntax)
    model.listeners.append(syntax.changed)
    syntax.spans(0, 5)
    finish(syntax)
    assert names(syntax, 0, "# top", "#") == "comment"
    assert names(syntax, 3, "all", "all") == "comment"
    model.edit([(Location(0, 0), Location(0, 0), "y = 2\n")])
    assert names(syntax, 1, "# top", "#") == "comment"
    assert names(syntax, 0, "y = 2", "2") == "number"
    assert token_name("Literal.String.Double") == "string"
    assert token_name("Text.Whitespace") == ""


def test_plain_text_has_no_colours() -> None:
    model = EditorModel("def f(): pass", by_name("text"))
    syntax = syntax_for(model.language, model.buffer)
    assert isinstance(syntax, NoSyntax)
    finish(syntax)
    assert syntax.spans(0, 0) == {}
