"""Editing commands on the bare model: `|` is the cursor, `‹` the other end of a selection."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codeexec.domain.errors import UsageError
from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.text import edits, motions
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.search import Query, find, replace_all, replace_one
from codeexec.tui.panes.editor.text.text import Location, Selection

ANCHOR, CURSOR = "‹", "|"


def model_of(text: str, language: str = "python") -> EditorModel:
    """A model of `text`, with the cursor at `|` and the other end of a selection at `‹`."""
    offset = text.replace(ANCHOR, "").index(CURSOR)
    anchor = text.replace(CURSOR, "").find(ANCHOR)
    plain = text.replace(ANCHOR, "").replace(CURSOR, "")
    model = EditorModel(plain, by_name(language))
    model.select(_place(plain, offset if anchor < 0 else anchor), _place(plain, offset))
    return model


def _place(text: str, offset: int) -> Location:
    head = text[:offset]
    return Location(head.count("\n"), len(head) - head.rfind("\n") - 1)


def shown(model: EditorModel) -> str:
    """The text with its cursor."""
    line, column = model.cursor
    lines = list(model.lines)
    lines[line] = lines[line][:column] + CURSOR + lines[line][column:]
    return "\n".join(lines)


Command = Callable[[EditorModel], object]


def typing(text: str) -> Command:
    def command(model: EditorModel) -> None:
        for sign in text:
            edits.type_text(model, sign)

    return command


CASES: list[tuple[str, Command, str]] = [
    ("if x:|", edits.newline, "if x:\n    |"),
    ("if x:  # why|", edits.newline, "if x:  # why\n    |"),
    ("    return 1|", edits.newline, "    return 1\n|"),
    ("    x = 1|", edits.newline, "    x = 1\n    |"),
    ("f(|)", edits.newline, "f(\n    |\n)"),
    ("    |", edits.newline, "\n    |"),
    ("a|   b", edits.newline, "a\n|b"),
    ("|", typing("f("), "f(|)"),
    ("|", typing("f()"), "f()|"),
    ("|", typing("f(x)"), "f(x)|"),
    ("|", typing("'a'"), "'a'|"),
    ("|", typing("f'a'"), "f'a'|"),
    ("don|", typing("'t"), "don't|"),
    ("|x", typing("("), "(|x"),
    ("‹ab|", typing("("), "(ab|)"),
    ("x = [\n    1,\n    |", typing("]"), "x = [\n    1,\n]|"),
    ("(|)", edits.delete_left, "|"),
    ("        |x", edits.delete_left, "    |x"),
    ("ab|", edits.delete_left, "a|"),
    ("a\n|b", edits.delete_left, "a|b"),
    ("a|👩\u200d👧b", edits.delete_right, "a|b"),
    ("a👩\u200d👧|b", edits.delete_left, "a|b"),
    ("one two|", edits.delete_word_left, "one |"),
    ("|one two", edits.delete_word_right, "| two"),
    ("a|b\nc", edits.delete_to_line_end, "a|\nc"),
    ("ab|\nc", edits.delete_to_line_end, "ab|c"),
    ("a\nb|b\nc", edits.delete_lines, "a\n|c"),
    ("a\nb|", edits.delete_lines, "a|"),
    ("a|b", edits.delete_lines, "|"),
    ("a|", edits.indent, "a   |"),
    ("‹a\nb|", edits.indent, "    a\n    b|"),
    ("    ‹a\n  b|", edits.outdent_lines, "a\nb|"),
    ("‹a\n    b\n\n  c|", edits.toggle_comment, "# a\n#     b\n\n#   c|"),
    ("‹  a\n    b|", edits.toggle_comment, "  # a\n  #   b|"),
    ("‹  # a\n  #   b|", edits.toggle_comment, "  a\n    b|"),
    ("#a|", edits.toggle_comment, "a|"),
    ("a\nb|\nc", lambda m: edits.move_lines(m, -1), "b|\na\nc"),
    ("a\nb|\nc", lambda m: edits.move_lines(m, 1), "a\nc\nb|"),
    ("a|", lambda m: edits.move_lines(m, 1), "a|"),
    ("a\n|b", lambda m: edits.move_lines(m, 1), "a\n|b"),
    ("‹a\nb|\nc", lambda m: edits.move_lines(m, 1), "c\na\nb|"),
    ("a|\nb", edits.duplicate_lines, "a\na|\nb"),
    ("  a|b", lambda m: edits.insert_line(m, below=True), "  ab\n  |"),
    ("  a|b", lambda m: edits.insert_line(m, below=False), "  |\n  ab"),
    ("# %%\na|\n# %%\nb", lambda m: edits.insert_cell(m, below=True), "# %%\na\n# %%\n|\n# %%\nb"),
    ("# %%\na|", lambda m: edits.insert_cell(m, below=True), "# %%\na\n\n# %%\n|"),
    (
        "# %%\na\n\n# %%\nb\n|",
        lambda m: edits.insert_cell(m, below=True),
        "# %%\na\n\n# %%\nb\n\n# %%\n|",
    ),
    ("# %%\na|", lambda m: edits.insert_cell(m, below=False), "# %%\n|\n# %%\na"),
]


@pytest.mark.parametrize(("before", "command", "after"), CASES)
def test_commands(before: str, command: Command, after: str) -> None:
    model = model_of(before)
    original = model.buffer.text()
    command(model)
    assert shown(model) == after
    while model.undo():
        pass
    assert model.buffer.text() == original


def test_block_comments_where_there_is_no_line_comment() -> None:
    model = model_of("# Title|", "markdown")
    edits.toggle_comment(model)
    assert model.buffer.text() == "<!-- # Title -->"
    edits.toggle_comment(model)
    assert model.buffer.text() == "# Title"


def test_shell_words_open_blocks() -> None:
    model = model_of("if x; then|", "bash")
    edits.newline(model)
    assert shown(model) == "if x; then\n  |"
    model = model_of("echo undo|", "bash")
    edits.newline(model)
    assert shown(model) == "echo undo\n|"


def test_ten_thousand_lines_are_indented_in_one_step() -> None:
    model = EditorModel("x\n" * 10_000, by_name("python"))
    model.select(Location(0, 0), model.buffer.end)
    edits.indent(model)
    assert model.lines[9_999] == "    x"
    model.undo()
    assert model.lines[9_999] == "x"
    assert not model.history.can_undo


def test_find_goes_around_and_counts() -> None:
    model = model_of("|foo Foo\nbar foo")
    found = find(model, Query("foo"), at_selection=True)
    assert found is not None
    assert (found.number, found.count, found.selection.start) == (1, 3, Location(0, 0))
    numbers = [found.number for _ in range(3) if (found := find(model, Query("foo"))) is not None]
    assert numbers == [2, 3, 1]
    found = find(model, Query("foo"), -1)
    assert found is not None
    assert found.number == 3
    assert find(model, Query("Foo")) is not None
    assert model.selection.start == Location(0, 4)
    assert find(model, Query("nothing")) is None
    assert find(model, Query("")) is None


def test_whole_words_and_regular_expressions() -> None:
    model = model_of("|food foo f00")
    assert find(model, Query("foo", word=True)) is not None
    assert model.selection.start == Location(0, 5)
    found = find(model, Query(r"f\d+", regex=True))
    assert found is not None
    assert found.selection.start == Location(0, 9)
    with pytest.raises(UsageError, match="no regular expression"):
        find(model, Query("(", regex=True))


def test_replace_one_and_all_in_one_step() -> None:
    model = model_of("|a1 b2\nx\na3")
    query = Query(r"a(\d)", regex=True)
    find(model, query, at_selection=True)
    assert replace_one(model, query, r"<\1>")
    assert model.lines[0] == "<1> b2"
    model.undo()
    assert replace_all(model, query, r"<\1>") == 2
    assert model.buffer.text() == "<1> b2\nx\n<3>"
    model.undo()
    assert model.buffer.text() == "a1 b2\nx\na3"
    assert replace_all(model, Query("1"), r"\1") == 1
    assert model.lines[0] == r"a\1 b2"
    with pytest.raises(UsageError, match="Groups"):
        replace_all(model, query, r"\7")


def test_motions() -> None:
    lines = ["def f(a):", "    return [a]", "", "x"]
    assert motions.word_right(lines, Location(0, 0)) == Location(0, 3)
    assert motions.word_left(lines, Location(0, 9)) == Location(0, 7)
    assert motions.word_right(lines, Location(0, 9)) == Location(1, 0)
    assert motions.home(lines, Location(1, 9)) == Location(1, 4)
    assert motions.home(lines, Location(1, 4)) == Location(1, 0)
    assert motions.next_word_start(lines, Location(0, 8)) == Location(1, 4)
    assert motions.word_end(lines, Location(0, 0)) == Location(0, 2)
    assert motions.paragraph(lines, Location(0, 0), 1) == Location(2, 0)
    assert motions.matching_bracket(lines, Location(0, 5)) == ((0, 5), (0, 7))
    assert motions.matching_bracket(lines, Location(1, 14)) == ((1, 13), (1, 11))
    assert motions.matching_bracket(lines, Location(3, 0)) is None


def test_a_regular_expression_that_says_so_goes_over_line_ends() -> None:
    model = EditorModel("a = 1\n\n\nb = 2\n\n\nc = 3", by_name("python"))
    query = Query(r"\n{2,}", regex=True)
    found = find(model, query)
    assert found is not None
    assert (found.number, found.count) == (1, 2)
    assert model.selection == Selection(Location(0, 5), Location(3, 0))
    found = find(model, query)
    assert found is not None
    assert found.number == 2
    assert replace_one(model, query, r"\n")
    assert model.buffer.text() == "a = 1\n\n\nb = 2\nc = 3"
    assert replace_all(model, Query(r"^(\w) = (\d)\n+", regex=True), r"\2 -> \1;\n") == 2
    assert model.buffer.text() == "1 -> a;\n2 -> b;\nc = 3"
    model.undo()
    assert model.buffer.text() == "a = 1\n\n\nb = 2\nc = 3"
    assert find(model, query, -1) is not None
