"""Percent scripts and notebooks: what jupytext reads and writes, we read and write alike."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import jupytext
import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codeexec.documents.notebook.convert import Notebook
from codeexec.documents.percent.convert import read_script, write_script

OURS_ALONE = {"cell_marker", "lines_to_next_cell", "region_name", "cell_depth"}
"""Metadata in which jupytext keeps how a script was laid out."""
_ONE_MAGIC = re.compile(r"%%[^\n]*\n")


def of_jupytext(text: str, kind: str = "py") -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (
            cell.cell_type,
            # A magic of one line comes back with a newline from jupytext, from us as it was.
            cell.source.removesuffix("\n") if _ONE_MAGIC.fullmatch(cell.source) else cell.source,
            {key: value for key, value in cell.metadata.items() if key not in OURS_ALONE},
        )
        for cell in jupytext.reads(text, f"{kind}:percent").cells
    ]


def of_ours(notebook: Notebook) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (cell["cell_type"], "".join(cell["source"]), cell["metadata"])
        for cell in notebook.data["cells"]
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n# %% [markdown]\n# # Title\n#\n# text\n\n# %%\ny = 2\n",
        '# %% [markdown]\n"""\n# hello\nworld\n"""\n\n# %% [md]\nr"""a"""\n',
        '# %% a title [markdown] tags=["a"] k="v" n=1\n# plain\n',
        '# %% load tags=["x", "y"] slideshow={"slide_type": "slide"}\nx\n',
        '# %% [raw] raw_mimetype="text/latex"\n# r\n\n# %%\n# !pip list\n# %time f()\n',
        "# %%\n# %%time\ny\n# ls\n# f?\n# note\n",
        '# %%\ns = """\n# %% no\n# %time\n"""\n# %%\nb\n',
        '# %% language="bash" magic_args="-s x"\n# echo 1\n# # c\n',
        '# %% {"a": 1}\n1\n',
        "#!/usr/bin/env python\n# %%\n1\n",
        "# %%\na\n\n\n# %%\n\nb\n\n\n\n# %%\n\n# %%\nc",
        "# ---\n# title: x\n# jupyter:\n#   kernelspec:\n#     name: ir\n#     display_name: R\n"
        "# ---\n\n# %%\n1\n",
        "def f():\n    # %cd a \\\n    # b\n",
        '# %% active="ipynb"\n# x = 1\n# !y\n# %% active="ipynb,py"\n# %time\n',
        '# %% active="py"\nx = 1\n# %time\n# %% active="R"\n# x\n# %% active=""\n# y\n',
        '# %% tags=["a", "active-ipynb"]\n# x\n# %% tags=["active-py"]\nx\n',
        '# %% run_control={"frozen": true}\n# x = 1\n',
        "# %% a='x' b=True c=(1, 2) d={'k': None}\nx\n# %% e=1 f=nope\ny\n",
        '# %% language="foo"\n# x\n# %% language="c++"\n# int x;\n',
        "# ---\n# jupyter:\n#   jupytext:\n#     comment_magics: false\n# ---\n\n"
        "# %%\n# %time\n%cd\n",
        '# %% a=bad b=1\nx\n# %% t c d="x=1" e\ny\n',
        "# %% [markdown]\n# ```mermaid\n# %% a note\n# ```\n# %%\n# ```\n# %%\n1\n",
        "# %% [markdown]\n# ~~~~ x\n# ~~~\n# %% a\n# ~~~~~\n# %%\n1\n# %% [md]\n# ```\n# %%\n2\n",
    ],
)
def test_scripts_are_read_as_jupytext_reads_them(text: str) -> None:
    assert of_ours(read_script(text)) == of_jupytext(text)


@pytest.mark.parametrize(
    ("kind", "marker", "language", "text"),
    [
        ("R", "#", "R", "# %%\n# %%time\nx\n# %% t\n# !ls\n# %time f\nls\n# %% [md]\n# a\n"),
        ("jl", "#", "julia", '# %% [markdown]\n"""\nabc\n"""\n# %%\n# %time f\n# ;ls\n'),
        ("cpp", "//", "c++", "// %% t\n// %%time\nx\n//%% [markdown]\n// # a\n//b\n"),
        ("js", "//", "javascript", '// %% a=1 [b]\n1 // %%\n// %% active="ipynb"\n// y\n'),
        ("sh", "#", "bash", "#!/bin/bash\n# %%\nls\n# !x\n# %% [raw]\n# a\n"),
    ],
)
def test_scripts_of_other_languages_are_read_alike(
    kind: str, marker: str, language: str, text: str
) -> None:
    assert of_ours(read_script(text, marker, language)) == of_jupytext(text, kind)


@pytest.mark.parametrize(
    ("kind", "metadata", "source"),
    [
        ("code", {"active": "ipynb"}, "x = 1\n%time"),
        ("code", {"tags": ["active-ipynb"]}, "x"),
        ("raw", {"active": "py"}, "x = 1"),
        ("raw", {"active": ""}, "x = 1"),
        ("raw", {"tags": ["active-py"]}, "x"),
        ("code", {"active": "ipynb,py"}, "%time"),
        ("code", {}, "%%cython\nx = 1"),
        ("code", {}, "%%c++\nint x;"),
    ],
)
def test_cells_of_one_kind_of_file_are_written_as_jupytext_does(
    kind: str, metadata: dict[str, Any], source: str
) -> None:
    ours = write_script(book([(kind, source, metadata)]))
    cell = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}[kind](
        source,
        metadata=metadata,  # type: ignore[no-untyped-call]
    )
    made = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    theirs = jupytext.writes(made, "py:percent")
    assert ours == theirs[theirs.index("# %%") :]


def test_text_of_pycharm_stands_without_marks_of_comments() -> None:
    text = "#%% md\n# Title\nplain *text*\n\n#%%\nx\n#%% md\n# # commented\n#\n# text\n"
    assert of_ours(read_script(text)) == [
        ("markdown", "# Title\nplain *text*", {}),
        ("code", "x", {}),
        ("markdown", "# commented\n\ntext", {}),
    ]


def test_the_header_is_metadata_of_the_notebook() -> None:
    written = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        metadata={
            "kernelspec": {"name": "ir", "display_name": "R: it's 4.3", "language": "R"},
        }
    )
    text = jupytext.writes(written, "py:percent")
    assert read_script(text).data["metadata"]["kernelspec"] == dict(written.metadata.kernelspec)
    ours = write_script(Notebook(json.loads(nbformat.writes(written))))  # type: ignore[no-untyped-call]
    assert jupytext.reads(ours, "py:percent").metadata.kernelspec == written.metadata.kernelspec


WORDS = st.sampled_from(
    ["x", "", "# c", "%time f()", "!ls", "%%bash", "    pass", "y = 1", "f?", "ls",
     "a = %time f()", "# é", "#"]
)  # fmt: skip
# Neither keeps a source that ends with just one newline.
SOURCES = (
    st.lists(WORDS, max_size=5)
    .map("\n".join)
    .filter(lambda source: source[-1:] != "\n" or source[-2:-1] == "\n")
)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(st.sampled_from(["parameters", "a b"]), min_size=1, unique=True),
        "slideshow": st.just({"slide_type": "slide"}),
        "title": st.sampled_from(["load", "a b", "k=v", "[markdown]", " x"]),
        "raw_mimetype": st.just("text/html"),
    },
)
CELLS = st.lists(st.tuples(st.sampled_from(["code", "markdown", "raw"]), SOURCES, METADATA))


def book(cells: list[tuple[str, str, dict[str, Any]]]) -> Notebook:
    made = [
        {"cell_type": kind, "metadata": metadata, "source": source.splitlines(keepends=True)}
        for kind, source, metadata in cells
    ]
    return Notebook({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


@given(CELLS)
@example([("code", "# %time", {}), ("markdown", "# %time", {})])
@example([("code", "a\n\n\n", {}), ("code", "", {}), ("markdown", "a\n\n", {})])
@example([("code", "'''\n%time\n'''\n%time", {})])
def test_a_notebook_comes_back_from_its_script(cells: list[tuple[str, str, Any]]) -> None:
    assert of_ours(read_script(write_script(book(cells)))) == cells


@given(CELLS)
@example([("code", "%%bash", {})])
def test_our_scripts_are_read_alike_by_jupytext(cells: list[tuple[str, str, Any]]) -> None:
    text = write_script(book(cells))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert of_jupytext(text) == of_ours(read_script(text))
