"""Edits of cells keep and set their languages, in each kind of document."""

from __future__ import annotations

import pytest

from codeexec.documents import cell_edits
from codeexec.documents.cell_blocks import CellEdit, CellText
from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.percent.cells import CellIndex

SCRIPT = '# %% a\nx\n\n# %% b language="cpp" tags=["t"]\n# int a;\n#\n# int b;\n'
NOTEBOOK = '# %% a\nx\n\n# %% b language="cpp"\nint a;\nint b;\n'
FENCES = "```python\nx\n```\n\n```{r plot, echo=FALSE}\ny\n```\n"


def script(text: str) -> CellText:
    lines = text.split("\n")
    return CellText(lines, CellIndex(lines, "#"))


def notebook(text: str) -> CellText:
    lines = text.split("\n")
    return CellText(lines, CellIndex(lines, "#", escaped=True))


def fenced(text: str) -> CellText:
    lines = text.split("\n")
    known = ("python", "r", "bash", "cpp")
    return CellText(lines, FencedCells(lines, lambda word: word if word in known else ""))


def after(text: CellText, edit: CellEdit) -> str:
    return "\n".join([*text.lines[: edit.first_line], *edit.lines, *text.lines[edit.end_line :]])


def test_a_language_of_a_script_comments_its_code() -> None:
    text = script(SCRIPT)
    changed = after(text, cell_edits.set_language(text, 0, 0, "r"))
    assert changed.startswith('# %% a language="R"\n# x\n\n# %% b')
    back = script(changed)
    assert after(back, cell_edits.set_language(back, 0, 0, "")) == SCRIPT
    changed = after(text, cell_edits.set_language(text, 1, 1, ""))
    assert changed.endswith('# %% b tags=["t"]\nint a;\n\nint b;\n')
    changed = after(text, cell_edits.set_language(text, 1, 1, "bash"))
    assert changed.endswith('# %% b tags=["t"] language="bash"\n# int a;\n#\n# int b;\n')


def test_a_bare_body_of_a_script_is_commented_when_its_language_changes() -> None:
    text = script('# %% vscode={"languageId": "shellscript", "x": 1}\nls\n')
    changed = after(text, cell_edits.set_language(text, 0, 0, "cpp"))
    assert changed == '# %% vscode={"x": 1} language="cpp"\n# ls\n'
    text = script("x = 1\n")
    assert after(text, cell_edits.set_language(text, 0, 0, "cpp")) == (
        '# %% language="cpp"\n# x = 1\n'
    )


def test_a_language_of_a_notebook_leaves_its_code_as_it_is() -> None:
    text = notebook(NOTEBOOK)
    changed = after(text, cell_edits.set_language(text, 0, 1, "r"))
    assert changed == '# %% a language="r"\nx\n\n# %% b language="r"\nint a;\nint b;\n'
    assert cell_edits.set_language(text, 0, 1, "r").keys == text.index.keys
    text = notebook("# %% [markdown]\n# words\n")
    assert after(text, cell_edits.set_language(text, 0, 0, "bash")) == (
        '# %% language="bash"\nwords\n'
    )


@pytest.mark.parametrize(
    ("index", "language", "expected"),
    [
        (0, "cpp", "```cpp\nx\n```\n\n```{r plot, echo=FALSE}\ny\n```\n"),
        (1, "python", "```python\nx\n```\n\n```{python plot, echo=FALSE}\ny\n```\n"),
    ],
)
def test_a_language_of_a_fence(index: int, language: str, expected: str) -> None:
    text = fenced(FENCES.replace("```python", "```{python}"))
    changed = after(text, cell_edits.set_language(text, index, index, language))
    assert changed.replace(f"{{{'python' if index else 'cpp'}}}", "python" if index else "cpp") == (
        expected
    )


def test_a_directive_of_myst_keeps_its_words() -> None:
    text = fenced("```{code-cell} python\n:tags: [a]\nx\n```\n```{code-cell}\ny\n```\n")
    changed = after(text, cell_edits.set_language(text, 0, 1, "r"))
    assert changed == "```{code-cell} r\n:tags: [a]\nx\n```\n\n```{code-cell} r\ny\n```\n"


def test_a_new_cell_in_another_language() -> None:
    text = notebook(NOTEBOOK)
    edit = cell_edits.insert_in_language(text, 1, "bash")
    assert after(text, edit).startswith('# %% a\nx\n\n# %% language="bash"\n')
    text = fenced("```python\nx\n```\n")
    changed = after(text, cell_edits.insert_in_language(text, 1, "cpp"))
    assert changed == "```python\nx\n```\n\n```cpp\n\n```\n"


def test_both_halves_of_a_cell_keep_the_language() -> None:
    text = notebook(NOTEBOOK)
    assert after(text, cell_edits.split_cell(text, 5, 0)) == (
        '# %% a\nx\n\n# %% b language="cpp"\nint a;\n\n# %% language="cpp"\nint b;\n'
    )
    text = script(SCRIPT)
    changed = after(text, cell_edits.split_cell(text, 6, 0))
    assert changed.endswith('# int a;\n#\n\n# %% language="cpp"\n# int b;\n')


def test_copies_are_written_as_their_document_wants() -> None:
    source, target = notebook(NOTEBOOK), script("# %%\nx\n")
    copied = cell_edits.copy_cells(source, 1, 1)
    changed = after(target, cell_edits.paste_cells(target, 1, copied))
    assert changed.endswith('# %% b language="cpp"\n# int a;\n# int b;\n')
    target = fenced("```python\nx\n```\n")
    changed = after(target, cell_edits.paste_cells(target, 1, copied))
    assert changed.endswith("```cpp\nint a;\nint b;\n```\n")
    copied = cell_edits.copy_cells(script(changed := SCRIPT), 1, 1)
    target = notebook("# %%\nx\n")
    changed = after(target, cell_edits.paste_cells(target, 1, copied))
    assert changed.endswith('language="cpp" tags=["t"]\nint a;\n\nint b;\n')
    copied = cell_edits.copy_cells(fenced("```python\nx\n```\n```r\ny\n```\n"), 0, 1)
    target = script("# %%\nz\n")
    changed = after(target, cell_edits.paste_cells(target, 1, copied))
    assert changed == '# %%\nz\n\n# %%\nx\n\n# %% language="R"\n# y\n'
