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
        "#!/usr/bin/env python3",
        "# -*- coding: utf-8 -*-\n",
        "#!/bin/x\n# coding: utf-8\n\n# ---\n# title: x\n# ---\n\n# %%\n1\n",
        "# ---\n# jupyter:\n#   kernelspec:\n#     name: x\n#     display_name: X\n# ---\n",
        "# ---\n# ---\n\nx = 1\n",
        "\n\n# %%\nx\n",
        "",
        "\n",
        "x\n# %%%\ny\n# %%% sub\nz\n# %%% \n# %% %\n",
        "# %% [code]\n1\n# %% t [code] x\n# %% [markdown]x\n# a\n# %% x[raw]\n# %% [md] [raw]\n",
        '# %% a [markdown] b {"tags": ["t"]}\n# a\n# %% {"a\n# %% t {"a": [\n',
        "# %% a = 1\n# %% x y a = 1\n# %% x<=1\n# %% .c\n# %% t .c .d\n# %% if a=1:\n",
        "# %% a/b=1 @c=2 1=3\n# %% é=1\n# %% t  u\n# %% x='a=b {' y=1\n# %% k\n",
        "# %%\n'''\n# %% '''\nx\n# %%\ny\n# %% '''a'''\n# + \nz\n# region t\n# endregion\n",
        "# %% [markdown]\n  \n\n# %% [raw]\n\n\n\n# %%\n",
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


@pytest.mark.parametrize(
    "cells",
    [
        [("markdown", "", {}), ("raw", "", {}), ("code", "", {"active": "ipynb"})],
        [("code", "  x\n  !ls", {}), ("code", "%cd a \\\n   b", {})],
        [("code", "%%R -i x\ny", {"tags": ["a"]}), ("code", "%%bash", {"name": "b"})],
        [("code", "x", {"title": "a  b"}), ("code", "y", {"title": "[code]"})],
        [("code", "x", {"jupyter": {"source_hidden": True}, "a/b": 1, "collapsed": True})],
        [("code", "x", {"incorrectly_encoded_metadata": "é=1"})],
        [("code", "def f():\n    pass", {}), ("code", "x", {}), ("code", "@a\nclass B: ...", {})],
        [("code", "def f():\n    pass", {}), ("code", "# a", {}), ("markdown", "# a", {})],
        [("code", "s = '''\ndef f():\n'''", {}), ("markdown", "a", {}), ("code", "def f(): 1", {})],
        [("code", "class A:\n\n    x = 1\n# a", {}), ("code", "# b\n\n\ndef f(): ...", {})],
        [("code", "async def f():\n    x\n\n\n", {}), ("code", "y", {})],
    ],
)
def test_scripts_are_written_as_jupytext_writes_them(
    cells: list[tuple[str, str, dict[str, Any]]],
) -> None:
    new_cell: dict[str, Any] = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    made = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=[new_cell[kind](source, metadata=dict(own)) for kind, source, own in cells]
    )
    theirs = jupytext.writes(made, "py:percent")
    end = theirs.index("\n# ---\n", 1) + len("\n# ---\n\n")
    assert write_script(book(cells)) == theirs[end:]


@pytest.mark.parametrize(
    "first", ["#!/usr/bin/python3 -u\n", "# coding: utf-8\n", "#!x\n# -*- coding: utf-8 -*-\n"]
)
def test_first_line_and_encoding_come_back(first: str) -> None:
    text = f"{first}# %%\nx = 1\n"
    notebook = read_script(text)
    options = jupytext.reads(text, "py:percent").metadata["jupytext"]
    for key, value in notebook.data["metadata"]["jupytext"].items():
        assert options[key] == value
    assert write_script(notebook) == text


def test_a_first_line_that_holds_code_is_not_written() -> None:
    for options in ({"executable": "a\nimport os"}, {"encoding": "import os"}, {"encoding": 1}):
        made = Notebook({"cells": [], "metadata": {"jupytext": options}})
        assert write_script(made) == ""


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


@pytest.mark.slow
@given(CELLS)
@example([("code", "# %time", {}), ("markdown", "# %time", {})])
@example([("code", "x\n\n", {})])  # jupytext drops blank lines at the end of the last cell
@example([("code", "x\n\n\n", {})])
@example([("markdown", "", {}), ("code", "\n\n", {})])
@example([("code", "a\n\n\n", {}), ("code", "", {}), ("markdown", "a\n\n", {})])
@example([("code", "'''\n%time\n'''\n%time", {})])
def test_a_notebook_comes_back_from_its_script(cells: list[tuple[str, str, Any]]) -> None:
    assert of_ours(read_script(write_script(book(cells)))) == cells


@pytest.mark.slow
@given(CELLS)
@example([("code", "%%bash", {})])
def test_our_scripts_are_read_alike_by_jupytext(cells: list[tuple[str, str, Any]]) -> None:
    text = write_script(book(cells))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert of_jupytext(text) == of_ours(read_script(text))
