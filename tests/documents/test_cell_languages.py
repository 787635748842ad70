"""Languages of cells in scripts, notebooks and Markdown: read, written, and left as they were."""

from __future__ import annotations

import json
from typing import Any

import jupytext
import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeexec.documents.cell_language import NotebookLanguages, canonical
from codeexec.documents.export.forms import export
from codeexec.documents.export.markdown import from_markdown
from codeexec.documents.fenced.cells import FencedCells
from codeexec.documents.model import Cell
from codeexec.documents.notebook.convert import dump_notebook, from_text, parse_notebook, to_text
from codeexec.documents.percent.cells import CellIndex, split_cells
from codeexec.documents.percent.convert import read_script, write_script
from codeexec.documents.selection import runnable
from codeexec.languages.catalog import languages, running_language

CODE = {"cell_type": "code", "execution_count": None, "outputs": [], "source": ["a\n", "b"]}


def notebook_of(*metadata: object, **top: object) -> str:
    cells = [{**CODE, "id": f"c{at}", "metadata": own} for at, own in enumerate(metadata)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    whole = {"kernelspec": kernel, "language_info": {"name": "python"}, **top}
    return json.dumps({"cells": cells, "metadata": whole, "nbformat": 4, "nbformat_minor": 5})


def shown(cells: tuple[Cell, ...]) -> list[tuple[str, str]]:
    return [(cell.language, cell.source) for cell in cells if cell.is_code]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("C++", "cpp"),
        ("cpp", "cpp"),
        ("shellscript", "bash"),
        ("R", "r"),
        ("Python 3", ""),
        ("python3", "python"),
        ("Python3.11", "python"),
        ("kusto", "kusto"),
        ("pwsh", "powershell"),
        ("", ""),
        ("two words", ""),
        ('a"b', ""),
        ("../x", ""),
        ("x" * 200, ""),
        ("a\x1b[31m", ""),
        (["cpp"], ""),
        (7, ""),
        (None, ""),
    ],
)
def test_words_for_languages(word: object, expected: str) -> None:
    assert canonical(word) == expected


# -- scripts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('# %% language="cpp"\n# int x;\n#\n# int y;', ("cpp", "int x;\n\nint y;")),
        ('# %% title language="C++"\n# #include <a>', ("cpp", "#include <a>")),
        # A body without comment markers is code as it is.
        ('# %% language="cpp"\n#include <a>\nint x;', ("cpp", "#include <a>\nint x;")),
        ('# %% vscode={"languageId": "shellscript"}\n# words\nls', ("bash", "# words\nls")),
        ('# %% language="python"\n# words\nx', ("", "# words\nx")),
        # What IPython alone runs is a cell magic, as jupytext has it.
        ('# %% language="html"\n# <b>', ("", "%%html\n<b>")),
        ('# %% language="bash" magic_args="-s x"\n# ls', ("", "%%bash -s x\nls")),
        ("# %%\n%%bash\nls", ("", "%%bash\nls")),
        # No language.
        ('# %% language=["cpp"]\n# words', ("", "# words")),
        ("# %% language=7\n# words", ("", "# words")),
        ('# %% language="no\\"quotes"\n# words', ("", "# words")),
        ('# %% language="cpp\n# words', ("", "# words")),
        ('# %% note="language=\\"cpp\\""\n# words', ("", "# words")),
        ('# %% vscode="cpp"\n# words', ("", "# words")),
        ('# %% language="kusto"\n# T | count', ("kusto", "T | count")),
    ],
)
def test_language_of_a_cell_in_a_script(text: str, expected: tuple[str, str]) -> None:
    assert shown(split_cells(text, "#")) == [expected]


def test_a_script_of_another_language_comments_with_its_own_marker() -> None:
    lines = ['// %% language="python"', "// print(1)", "// %%", "// words"]
    index = CellIndex(lines, "//", main_language="cpp")
    assert shown(index.cells(lines)) == [("python", "print(1)"), ("", "// words")]


# -- notebooks -----------------------------------------------------------------------------------

OWN: list[tuple[dict[str, Any], str]] = [
    ({"vscode": {"languageId": "cpp"}}, "cpp"),
    ({"vscode": {"languageId": "shellscript"}, "tags": ["a"]}, "bash"),
    ({"vscode": {"languageId": "python"}}, ""),
    ({"vscode": {"languageId": "polyglot-notebook"}, "polyglot_notebook": {"kernelName": "pwsh"}},
     "powershell"),
    ({"dotnet_interactive": {"language": "csharp"}}, "csharp"),
    ({"language": "R"}, "r"),
    ({}, ""),
    ({"vscode": {"languageId": ["cpp"]}}, ""),
    ({"vscode": {"languageId": 7}}, ""),
    ({"vscode": "cpp"}, ""),
    ({"vscode": {"languageId": "no \"id\""}}, ""),
    ({"kernel": "R"}, ""),
    ({"vscode": {"languageId": "kusto"}}, "kusto"),
]  # fmt: skip


@pytest.mark.parametrize(("metadata", "expected"), OWN)
def test_language_of_a_cell_in_a_notebook(metadata: object, expected: str) -> None:
    text = notebook_of(metadata)
    notebook = parse_notebook(text)
    assert shown(notebook.cells) == [(expected, "a\nb")]
    edited = to_text(notebook, "#")
    assert shown(split_cells(edited, "#", escaped=True)) == [(expected, "a\nb")]
    assert dump_notebook(from_text(notebook, edited, "#")) == text


SOS_KERNELS: list[object] = [
    ["SoS", "sos", "", "", "sos"],
    ["R", "ir", "R", "#DCDCDA", ""],
    ["Python3", "python3", "Python3", "#FFD91A", ""],
    7,
    [],
    [None, "x"],
]
SOS = {"kernels": SOS_KERNELS}


def test_cells_of_a_sos_notebook_run_on_the_kernels_that_it_names() -> None:
    metadata: list[dict[str, object]] = [
        {"kernel": "R"},
        {"kernel": "Python3"},
        {"kernel": "SoS"},
        {"kernel": "Julia"},
    ]
    metadata += [{"kernel": 7}, {"kernel": "R", "vscode": {"languageId": "cpp"}}]
    text = notebook_of(*metadata, sos=SOS, language_info={"name": "sos"})
    notebook = parse_notebook(text)
    found = [language for language, _ in shown(notebook.cells)]
    assert found == ["r", "python", "", "julia", "", "r"]
    assert dump_notebook(from_text(notebook, to_text(notebook, "#"), "#")) == text


def metadata_after(text: str, old: str, new: str) -> list[dict[str, Any]]:
    notebook = parse_notebook(text)
    shown_text = to_text(notebook, "#")
    assert old in shown_text
    saved = from_text(notebook, shown_text.replace(old, new), "#")
    return [cell["metadata"] for cell in json.loads(dump_notebook(saved))["cells"]]


def test_a_language_that_is_set_is_written_as_vscode_does() -> None:
    text = notebook_of({"tags": ["x"]}, {"vscode": {"languageId": "cpp", "other": 1}}, {"a": 1})
    head = '# %%\na\nb\n\n# %% language="cpp"'
    changed = metadata_after(text, head, '# %% language="bash"\na\nb\n\n# %% language="r"')
    assert changed == [
        {"tags": ["x"], "vscode": {"languageId": "shellscript"}},
        {"vscode": {"languageId": "r", "other": 1}},
        {"a": 1},
    ]
    assert metadata_after(text, ' language="cpp"', "")[1] == {"vscode": {"other": 1}}


def test_a_language_is_written_where_the_cell_has_it() -> None:
    polyglot = {
        "dotnet_interactive": {"language": "csharp"},
        "polyglot_notebook": {"kernelName": "csharp"},
    }
    changed = metadata_after(notebook_of(polyglot), '"csharp"', '"javascript"')
    assert changed == [
        {
            "dotnet_interactive": {"language": "javascript"},
            "polyglot_notebook": {"kernelName": "javascript"},
        }
    ]
    changed = metadata_after(notebook_of({"language": "R"}), '"r"', '"cpp"')
    assert changed == [{"vscode": {"languageId": "cpp"}}]
    text = notebook_of({"kernel": "R"}, sos=SOS, language_info={"name": "sos"})
    assert metadata_after(text, '"r"', '"python"') == [{"kernel": "Python3"}]
    assert metadata_after(text, ' language="r"', "") == [{"kernel": "SoS"}]
    assert metadata_after(text, '"r"', '"cpp"') == [{"vscode": {"languageId": "cpp"}}]


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_of_the_catalog_comes_back_from_metadata(language: str) -> None:
    known = NotebookLanguages("sage")
    assert known.own(known.with_own({}, language)) == language


WORDS = st.sampled_from(["cpp", "R", "shellscript", "kusto", "", "polyglot-notebook", 7, None, [1]])
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "vscode": st.one_of(WORDS, st.fixed_dictionaries({}, optional={"languageId": WORDS})),
        "polyglot_notebook": st.fixed_dictionaries({"x": WORDS}, optional={"kernelName": WORDS}),
        "dotnet_interactive": st.one_of(WORDS, st.fixed_dictionaries({"language": WORDS})),
        "language": WORDS,
        "kernel": st.one_of(WORDS, st.sampled_from(["SoS", "Python3"])),
        "tags": st.just(["a"]),
    },
)


@settings(max_examples=50, deadline=None)
@given(METADATA, st.sampled_from(["", "cpp", "r", "bash", "python", "kusto"]), st.booleans())
def test_any_metadata_take_any_language(metadata: Any, language: str, is_sos: bool) -> None:
    known = NotebookLanguages.of({"sos": SOS} if is_sos else {}, "sos" if is_sos else "julia")
    before = json.dumps(metadata)
    changed = known.with_own(metadata, language)
    assert known.own(changed) == language
    assert json.dumps(metadata) == before
    assert changed.get("tags") == metadata.get("tags")
    assert known.with_own(changed, language) == changed


# -- conversions ---------------------------------------------------------------------------------


def test_languages_survive_a_script() -> None:
    words = ["cpp", "shellscript", "r", "javascript", "perl", "kusto", "html"]
    own = [{"vscode": {"languageId": word}} for word in words]
    notebook = parse_notebook(notebook_of(*own, {"language": "cpp"}, {}))
    script = write_script(notebook)
    assert '# %% vscode={"languageId": "shellscript"} language="bash"\n# a\n# b\n' in script
    again = read_script(script)
    assert shown(again.cells) == shown(notebook.cells)
    assert [cell["metadata"] for cell in again.data["cells"]] == [*own, {"language": "cpp"}, {}]
    assert write_script(again).partition("# %%")[2] == script.partition("# %%")[2]
    compile(script, "script", "exec")


# -- Markdown ------------------------------------------------------------------------------------


def test_fences_are_cells_of_their_languages() -> None:
    words = {"bash": "ls", "python": "x", "c++": "y", "text": "z", "console": "$ ls"}
    lines = [line for word, code in words.items() for line in (f"```{word}", code, "```")]
    known = {"bash": "bash", "python": "python", "c++": "cpp"}
    index = FencedCells(lines, lambda word: known.get(word, ""))
    cells = index.cells(lines)
    assert index.language == "python"
    assert shown(cells) == [("bash", "ls"), ("", "x"), ("cpp", "y")]
    # A shell beside another language is run alone.
    assert [cell.source for cell in runnable(cells)] == ["x", "y"]


def test_marked_fences_of_a_shell_run_with_the_others() -> None:
    lines = ["```{bash}", "ls", "```", "```{python}", "x", "```", "```r", "y", "```", ""]
    index = FencedCells(lines, lambda word: word)
    assert [cell.source for cell in runnable(index.cells(lines))] == ["ls", "x"]
    lines = ["```bash", "ls", "```", "```sh", "y", "```", ""]
    index = FencedCells(lines, lambda word: {"sh": "bash"}.get(word, word))
    assert [cell.source for cell in runnable(index.cells(lines))] == ["ls", "y"]


# -- exports, and what jupytext makes of them -----------------------------------------------------


def mixed() -> str:
    return notebook_of({"vscode": {"languageId": "cpp"}}, {"vscode": {"languageId": "r"}}, {})


def test_exports_name_the_language_of_each_cell() -> None:
    notebook = parse_notebook(mixed())
    markdown = export(notebook, "md", "a").decode()
    assert markdown == "```cpp\na\nb\n```\n\n```r\na\nb\n```\n\n```python\na\nb\n```\n"
    page = export(notebook, "html", "a").decode()
    assert page.count('<div class="language">') == 2
    assert '<div class="language">cpp</div><pre>' in page
    script = export(notebook, "py", "a").decode()
    assert '# %% vscode={"languageId": "r"} language="R"\n# a\n# b\n' in script
    back = from_markdown(markdown, running_language)
    assert back.language == "cpp"  # the first fence
    again = from_markdown("```python\nx\n```\n\n" + markdown, running_language)
    assert shown(again.cells)[1:] == shown(notebook.cells)
    assert again.data["cells"][1]["metadata"] == {"vscode": {"languageId": "cpp"}}
    assert export(again, "md", "a").decode() == "```python\nx\n```\n\n" + markdown


def test_a_hostile_language_is_text_in_a_page() -> None:
    metadata = {"vscode": {"languageId": "<b>&"}}
    page = export(parse_notebook(notebook_of(metadata)), "html", "a").decode()
    assert '<div class="language">&lt;b&gt;&amp;</div>' in page


def test_jupytext_reads_our_scripts_and_we_read_its() -> None:
    notebook = parse_notebook(mixed())
    theirs = jupytext.reads(write_script(notebook), "py:percent")
    assert [cell.source for cell in theirs.cells] == ["a\nb", "%%R\na\nb", "a\nb"]
    assert theirs.cells[0].metadata.vscode == {"languageId": "cpp"}
    # Its own form for a cell of another language, and its form for the cells of VS Code.
    text = notebook_of({"language": "cpp"}, {"vscode": {"languageId": "cpp"}})
    own = nbformat.reads(text, 4)  # type: ignore[no-untyped-call]
    written = jupytext.writes(own, "py:percent")
    ours = read_script(written)
    assert shown(ours.cells) == [("cpp", "a\nb"), ("cpp", "a\nb")]
    ours_written = write_script(parse_notebook(notebook_of({"language": "cpp"})))
    assert '# %% language="cpp"\n# a\n# b\n' in written
    assert '# %% language="cpp"\n# a\n# b\n' in ours_written
    again = jupytext.reads(write_script(ours), "py:percent")
    assert [cell.source for cell in again.cells] == ["a\nb", "a\nb"]


@pytest.mark.parametrize("word", ["bash", "R", "cpp", "perl", "html", "javascript", "kusto"])
def test_jupytext_and_we_make_the_same_notebook_of_a_script(word: str) -> None:
    text = f'# %%\nx\n\n# %% language="{word}"\n# y\n#\n# z\n'
    theirs, ours = jupytext.reads(text, "py:percent"), read_script(text)
    for their_cell, our_cell in zip(theirs.cells, ours.data["cells"], strict=True):
        assert "".join(our_cell["source"]) == their_cell.source
        assert our_cell["metadata"] == dict(their_cell.metadata)
