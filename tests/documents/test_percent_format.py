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

from codeexec.documents.notebook import Notebook
from codeexec.documents.percent_format import read_script, write_script

OURS_ALONE = {"cell_marker", "lines_to_next_cell", "region_name", "cell_depth"}
"""Metadata in which jupytext keeps how a script was laid out."""
_ONE_MAGIC = re.compile(r"%%[^\n]*\n")


def of_jupytext(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (
            cell.cell_type,
            # A magic of one line comes back with a newline from jupytext, from us as it was.
            cell.source.removesuffix("\n") if _ONE_MAGIC.fullmatch(cell.source) else cell.source,
            {key: value for key, value in cell.metadata.items() if key not in OURS_ALONE},
        )
        for cell in jupytext.reads(text, "py:percent").cells
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
    ],
)
def test_scripts_are_read_as_jupytext_reads_them(text: str) -> None:
    assert of_ours(read_script(text)) == of_jupytext(text)


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
