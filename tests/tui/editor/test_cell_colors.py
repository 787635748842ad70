"""Cells of several languages in one text: colours, brackets and comments are those of each cell."""

from __future__ import annotations

import pytest

from codeexec.languages.catalog import by_name
from codeexec.tui.panes.editor.actions.completion import code_around_cursor
from codeexec.tui.panes.editor.actions.running import cells_to_run
from codeexec.tui.panes.editor.messages import RunScope
from codeexec.tui.panes.editor.text import edits
from codeexec.tui.panes.editor.text.cell_colors import cell_spans
from codeexec.tui.panes.editor.text.lexer_syntax import LexerSyntax
from codeexec.tui.panes.editor.text.model import EditorModel
from codeexec.tui.panes.editor.text.syntax import TreeSyntax, syntax_for
from codeexec.tui.panes.editor.text.text import Location

NOTEBOOK = """\
# %%
def a(): return 1

# %% language="cpp"
/* it's ("
*/ int x = 'y';

# %%
class B: pass
"""


def notebook_model(text: str = NOTEBOOK) -> EditorModel:
    model = EditorModel(text, by_name("python"))
    model.cells.escaped = True
    return model


def names(spans: dict[int, list[tuple[int, int, str]]], line: int) -> list[str]:
    return [name for _, _, name in spans.get(line, [])]


def finish(syntax: TreeSyntax) -> None:
    while not syntax.work(0.001):
        pass


def test_each_cell_of_a_notebook_has_the_colours_of_its_language() -> None:
    model = notebook_model()
    syntax = syntax_for(model.language, model.buffer, model.foreign_cells)
    assert isinstance(syntax, TreeSyntax)
    model.listeners.append(syntax.changed)
    finish(syntax)
    tree = syntax.spans(0, 8)
    assert names(tree, 8)[:1] == ["keyword"]  # after a quote and a bracket that Python would miss
    assert names(tree, 4) == names(tree, 5) == []
    assert [symbol[0] for symbol in syntax.symbols()] == ["a", "B"]
    own = cell_spans(model, 0, 8)
    assert set(own) == {4, 5}
    assert names(own, 4) == ["comment"]
    assert names(own, 5)[0] == "comment"
    # An edit in it, and another language: the tree is that of a fresh text.
    model.edit([(Location(5, 0), Location(5, 0), "é = ( ")])
    finish(syntax)
    assert names(syntax.spans(8, 8), 8)[:1] == ["keyword"]
    model.edit([(Location(3, 0), Location(3, len(model.lines[3])), "# %%")])
    finish(syntax)
    fresh = syntax_for(model.language, model.buffer, model.foreign_cells)
    assert isinstance(fresh, TreeSyntax)
    finish(fresh)
    assert syntax.spans(0, 8) == fresh.spans(0, 8)
    assert cell_spans(model, 0, 8) == {}


def test_commented_code_of_a_script_is_coloured_behind_its_markers() -> None:
    model = EditorModel('# %% language="cpp"\n# return 1;\n#\n# "x";\n', by_name("python"))
    spans = cell_spans(model, 0, 4)
    assert spans[1][:2] == [(0, 2, "comment"), (2, 8, "keyword")]
    assert spans[2] == [(0, 1, "comment")]
    assert model.foreign_cells() == []


@pytest.mark.parametrize(
    ("line", "expected"), [(1, "# def a(): return 1"), (5, "// */ int x = 'y';")]
)
def test_comments_are_those_of_the_cell(line: int, expected: str) -> None:
    model = notebook_model()
    model.select(Location(line, 0))
    edits.toggle_comment(model)
    assert model.lines[line] == expected


def test_lines_are_indented_as_the_language_of_the_cell_wants() -> None:
    model = notebook_model('# %% language="shellscript"\nif true; then')
    model.select(Location(1, len(model.lines[1])))
    edits.newline(model)
    assert model.lines[2] == "  "
    model = notebook_model('# %% language="kusto"\nT |')
    assert model.language_here.name != "kusto"
    model.select(Location(1, 1))
    assert model.language_here.name == "text"


def test_selected_lines_of_commented_code_run_without_their_markers() -> None:
    model = EditorModel('# %% language="cpp"\n# int a;\n# int b;\n', by_name("python"))
    model.select(Location(2, 0))
    (cell,) = cells_to_run(model, RunScope.SELECTION)
    assert (cell.source, cell.language, cell.start) == ("int b;", "cpp", 2)


def test_a_new_line_of_commented_code_is_commented() -> None:
    model = EditorModel('# %% language="bash"\n# for x in a; do\n#\n', by_name("python"))
    model.select(Location(1, len(model.lines[1])))
    edits.newline(model)
    assert model.lines[2] == "#   "
    edits.insert(model, "ls")
    assert model.lines[2] == "#   ls"
    model.select(Location(0, len(model.lines[0])))
    edits.newline(model)
    assert model.lines[1] == ""


def test_code_for_a_kernel_has_blanks_in_place_of_comment_marks() -> None:
    model = EditorModel('# %% language="R"\n# x <- 1\n# mea\n', by_name("python"))
    model.select(Location(2, 5))
    code, offset, start, _ = code_around_cursor(model)
    assert code.split("\n")[:2] == ["  x <- 1", "  mea"]
    assert code[:offset].endswith("mea")
    assert start == (1, 0)


def test_pygments_is_given_no_cells_of_other_languages() -> None:
    lines = ["# %%", "x <- 1", '# %% language="python"', "'''it's", "# %%", "y <- 'z'"]
    model = EditorModel("\n".join(lines), by_name("r")._replace(grammar=""))
    model.cells.escaped = True
    syntax = syntax_for(model.language, model.buffer, model.foreign_cells)
    assert isinstance(syntax, LexerSyntax)
    syntax.spans(0, 5)
    syntax.work(1.0)
    spans = syntax.spans(0, 5)
    assert names(spans, 3) == []
    assert names(spans, 5)[-1] == "string"
    assert "operator" in names(spans, 5)


def test_selected_lines_of_a_magic_are_run_by_it() -> None:
    model = EditorModel('# %% language="html"\n# <b>\n# <i>\n', by_name("python"))
    model.select(Location(2, 0))
    (cell,) = cells_to_run(model, RunScope.SELECTION)
    assert (cell.source, cell.language) == ("%%html\n<i>", "")
