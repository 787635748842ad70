"""Notebooks: valid when written, unchanged where untouched, clear about what is broken."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from codeexec.documents.model import CellKind
from codeexec.documents.notebook.convert import (
    Notebook,
    dump_notebook,
    from_text,
    new_notebook,
    parse_notebook,
    to_text,
    with_outputs,
)
from codeexec.domain.errors import DocumentError, NotFound
from support.steps import counted


def raw_cell(source: str, kind: str = "code", **more: Any) -> dict[str, Any]:
    extra: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {
        "cell_type": kind,
        "id": f"id{abs(hash((source, kind))) % 10**8}",
        "metadata": {},
        "source": source.splitlines(keepends=True),
        **extra,
        **more,
    }


def notebook_of(*cells: dict[str, Any]) -> Notebook:
    return Notebook({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def validate(notebook: Notebook) -> None:
    nbformat.validate(json.loads(dump_notebook(notebook)))


OUTPUTS: list[dict[str, Any]] = [
    {"output_type": "stream", "name": "stdout", "text": "a\nb\n"},
    {
        "output_type": "display_data",
        "data": {"image/png": "aGk=", "text/plain": "<Figure>"},
        "transient": {"display_id": "1"},
    },
    {
        "output_type": "execute_result",
        "data": {"text/html": "<b>1</b>\n<i>", "application/json": {"a": 1}},
        "metadata": {},
    },
    {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
]


def test_outputs_are_written_valid() -> None:
    notebook = with_outputs(notebook_of(raw_cell("1")), 0, OUTPUTS, 3)
    validate(notebook)
    assert notebook.execution_count(0) == 3
    assert notebook.outputs(0)[0]["text"] == ["a\n", "b\n"]
    assert notebook.outputs(0)[2]["execution_count"] == 3


def test_outputs_go_to_code_cells_that_exist() -> None:
    notebook = notebook_of(raw_cell("hi", "markdown"))
    with pytest.raises(DocumentError):
        with_outputs(notebook, 0, [], None)
    with pytest.raises(NotFound):
        with_outputs(notebook, 7, [], None)


def test_saving_without_changes_writes_the_same_bytes() -> None:
    data = notebook_of(
        raw_cell("x = 1\n\n", metadata={"tags": ["keep"], "zz": {"a": [1, 2]}}),
        raw_cell("# Hi é\n\nthere", "markdown", attachments={"a.png": {"image/png": "aGk="}}),
    ).data
    for indent, separators, ascii_only, end in (
        (1, None, False, "\n"),
        (2, None, False, ""),
        ("\t", None, True, "\n"),
        (0, None, False, "\n\n"),
        (None, None, False, "\n"),
        (None, (",", ":"), True, ""),
    ):
        text = json.dumps(data, indent=indent, separators=separators, ensure_ascii=ascii_only) + end
        notebook = parse_notebook(text)
        shown = to_text(notebook, "#")
        assert dump_notebook(from_text(notebook, shown, "#")) == text


PIECES = st.sampled_from(["a", " ", "#", "%", "\\", "\n", "é", "# %%", "%%", "# \\%% x"])
SOURCE = st.lists(PIECES, max_size=8).map("".join)
RAW = st.builds(raw_cell, SOURCE, st.sampled_from(["code", "markdown", "raw"]))


@given(st.lists(RAW, max_size=5), st.sampled_from(["#", "//", "--"]))
@example([raw_cell("%%\\%%", "markdown")], "#")
@example([raw_cell("%%\\\\%% x\n# \\%%\n# \\\\%%", kind) for kind in ("code", "raw")], "#")
def test_text_and_back_is_the_same_notebook(cells: list[dict[str, Any]], marker: str) -> None:
    notebook = notebook_of(*cells)
    back = from_text(notebook, to_text(notebook, marker), marker)
    assert [("".join(c["source"]), c["cell_type"]) for c in back.data["cells"]] == [
        ("".join(c["source"]), c["cell_type"]) for c in cells
    ]


def test_edited_new_moved_and_deleted_cells() -> None:
    out = [{"output_type": "stream", "name": "stdout", "text": ["1"]}]
    notebook = notebook_of(
        raw_cell("a = 1", outputs=out, id="aa"),
        raw_cell("b = 2", id="bb"),
        raw_cell("c = 3", id="cc", metadata={"keep": 1}),
        raw_cell("d = 4", id="dd"),
    )
    text = "# %%\nc = 3\n\n# %%\na = 10\n\n# %% fresh\nnew\n\n# %%\nd = 4\n"
    cells = from_text(notebook, text, "#").data["cells"]
    assert [cell["source"] for cell in cells] == [["c = 3"], ["a = 10"], ["new"], ["d = 4"]]
    assert cells[0]["metadata"] == {"keep": 1}
    assert cells[2]["metadata"] == {"title": "fresh"}
    assert cells[3]["id"] == "dd"
    assert len({cell["id"] for cell in cells}) == 4
    validate(from_text(notebook, text, "#"))


def test_editing_one_cell_keeps_its_id_and_outputs() -> None:
    notebook = with_outputs(notebook_of(raw_cell("a", id="aa"), raw_cell("b", id="bb")), 0, [], 4)
    edited = from_text(notebook, to_text(notebook, "#").replace("a\n", "a + 1\n"), "#")
    assert edited.data["cells"][0]["id"] == "aa"
    assert edited.execution_count(0) == 4
    assert edited.data["cells"][1] == notebook.data["cells"][1]


def test_titles_live_in_metadata() -> None:
    notebook = notebook_of(raw_cell("a", metadata={"title": "load"}))
    assert to_text(notebook, "#").startswith("# %% load\n")
    assert notebook.cells[0].title == "load"
    renamed = from_text(notebook, "# %% save\na\n", "#")
    assert renamed.data["cells"][0]["metadata"] == {"title": "save"}


def test_older_minor_keeps_its_format() -> None:
    old = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}
    notebook = from_text(Notebook(old), "# %%\nx\n", "#")
    assert notebook.minor == 2
    assert "id" not in notebook.data["cells"][0]
    validate(notebook)


def test_version_three_is_upgraded() -> None:
    v3 = {
        "metadata": {"name": ""},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [
            {
                "metadata": {},
                "cells": [
                    {
                        "cell_type": "code",
                        "input": ["x = 1"],
                        "language": "python",
                        "metadata": {},
                        "outputs": [],
                        "collapsed": False,
                        "prompt_number": 3,
                    },
                    {"cell_type": "markdown", "metadata": {}, "source": ["# T"]},
                ],
            }
        ],
    }
    notebook = parse_notebook(json.dumps(v3))
    assert [(c.kind, c.source) for c in notebook.cells] == [
        (CellKind.CODE, "x = 1"),
        (CellKind.MARKDOWN, "# T"),
    ]
    validate(notebook)


def test_version_three_with_headings_and_lists_of_lines() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Old\n", "title"]},
        {
            "cell_type": "code",
            "input": ["x = 20\n", "x + 1"],
            "language": "python",
            "metadata": {},
            "prompt_number": 3,
            "outputs": [
                {"output_type": "pyout", "prompt_number": 3, "text": ["21"], "metadata": {}},
                {"output_type": "stream", "stream": "stdout", "text": ["a\n", "b"]},
            ],
        },
    ]
    v3 = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0}
    notebook = parse_notebook(json.dumps({**v3, "worksheets": [{"cells": cells, "metadata": {}}]}))
    assert [cell.source for cell in notebook.cells] == ["## Old title", "x = 20\nx + 1"]
    assert notebook.outputs(1)[0]["data"] == {"text/plain": ["21"]}
    validate(notebook)


def test_what_is_missing_or_null_is_let_pass() -> None:
    loose = {
        "nbformat": 4,
        "metadata": None,
        "cells": [
            {"cell_type": "code", "source": None, "outputs": None, "metadata": None},
            {"cell_type": "heading", "level": 1, "source": "Title"},
            {},
        ],
    }
    notebook = parse_notebook(json.dumps(loose))
    assert (notebook.kernel, notebook.outputs(0), notebook.cells[1].source) == ("", (), "Title")
    assert dump_notebook(from_text(notebook, to_text(notebook, "#"), "#"))
    written = with_outputs(notebook, 0, OUTPUTS, 1)
    assert written.execution_count(0) == 1
    assert written.data["cells"][0]["metadata"] == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{\n "cells": [\n  {"a" 1}]}', "line 3"),
        ('{"a": 1}', "no notebook"),
        ("[1]", "no notebook"),
        ('{"nbformat": 4, "cells": 3}', "no list of cells"),
        ('{"nbformat": 9}', "newer"),
        ('{"nbformat": 3, "worksheets": 5}', "cannot be upgraded"),
        ("<<<<<<< HEAD\n=======\n>>>>>>> x", "broken JSON"),
    ],
)
def test_broken_notebooks_say_what_to_do(text: str, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_notebook(text)
    assert says in caught.value.message
    assert caught.value.next_step


def test_empty_file_and_new_notebook_are_valid() -> None:
    validate(parse_notebook(""))
    named = new_notebook("python3", "Python 3", "python")
    validate(named)
    assert (named.kernel, named.language) == ("python3", "python")


def test_half_a_surrogate_is_written_escaped() -> None:
    notebook = notebook_of(raw_cell("x = '\ud83d'"))
    assert dump_notebook(notebook).encode()
    assert json.loads(dump_notebook(notebook)) == notebook.data


@pytest.mark.slow
def test_a_thousand_cells_open_at_once() -> None:
    text = dump_notebook(notebook_of(*(raw_cell(f"x = {n}\n" * 20) for n in range(1000))))
    with counted("") as opened:  # all: cells are compared by another library
        notebook = parse_notebook(text)
        shown = to_text(notebook, "#")
    with counted("") as saved:
        from_text(notebook, shown, "#")
    # 160 and 370 for a cell of 20 lines; a look at half of the others would be 500 more.
    assert opened.count < 300 * 1000
    assert saved.count < 600 * 1000


def shaped(**changes: Any) -> str:
    """A notebook's text with these values in its only cell or, for `metadata`, in itself."""
    cell = {**raw_cell("1"), **changes.pop("cell", {})}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, **changes})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (shaped(metadata=[]), "metadata is a list"),
        (shaped(nbformat_minor="5"), "nbformat_minor is a string"),
        (shaped(cells=[1]), "cells\\[0\\] is a number"),
        (shaped(cell={"cell_type": ["code"]}), "cells\\[0\\].cell_type is a list"),
        (shaped(cell={"id": 7}), "cells\\[0\\].id is a number"),
        (shaped(cell={"metadata": "x"}), "cells\\[0\\].metadata is a string"),
        (shaped(cell={"source": {"a": 1}}), "cells\\[0\\].source is an object"),
        (shaped(cell={"source": ["a", 1]}), "cells\\[0\\].source is a list"),
        (shaped(cell={"attachments": []}), "cells\\[0\\].attachments is a list"),
        (shaped(cell={"outputs": {}}), "cells\\[0\\].outputs is an object"),
        (shaped(cell={"outputs": [None]}), "cells\\[0\\].outputs\\[0\\] is null"),
        (shaped(cell={"outputs": [{"data": []}]}), "outputs\\[0\\].data is a list"),
        (shaped(cell={"outputs": [{"text": 3}]}), "outputs\\[0\\].text is a number"),
        (shaped(cell={"outputs": [{"traceback": "x"}]}), "outputs\\[0\\].traceback is a string"),
        (shaped(cell={"outputs": [{"ename": {}}]}), "outputs\\[0\\].ename is an object"),
        ('{"nbformat": 4, "cells": ' + "[" * 5000 + "]" * 5000 + "}", "nested too deeply"),
        (shaped(metadata={"a": 0}).replace('"a": 0', '"a": ' + "9" * 5000), "too many digits"),
        ('{"nbformat": true, "cells": []}', "no notebook"),
    ],
)
def test_values_of_a_wrong_type_are_refused_with_their_place(text: str, place: str) -> None:
    with pytest.raises(DocumentError, match=place) as caught:
        parse_notebook(text, "a.ipynb")
    assert "as text" in caught.value.next_step


JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "cells",
                    "metadata",
                    "source",
                    "outputs",
                    "data",
                    "text",
                    "cell_type",
                    "output_type",
                    "id",
                    "title",
                    "name",
                    "kernelspec",
                    "language_info",
                    "attachments",
                    "execution_count",
                    "nbformat",
                    "worksheets",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from(["cells", "metadata", "worksheets"]), JSON_VALUE), JSON_VALUE
)
def test_any_json_opens_or_is_refused_in_words(data: dict[str, Any], cell: object) -> None:
    for text in (
        json.dumps({"nbformat": 4, "nbformat_minor": 5, **data}),
        json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}),
    ):
        try:
            notebook = parse_notebook(text)
        except DocumentError as error:
            assert error.next_step
            continue
        assert isinstance(notebook.kernel + notebook.language, str)
        shown = to_text(notebook, "#")
        parse_notebook(dump_notebook(from_text(notebook, shown, "#")))


def test_equal_cells_are_told_apart_by_their_identity() -> None:
    twins = notebook_of(*(raw_cell("x", id=name, metadata={"n": name}) for name in "abc"))
    text = "# %%\nx\n\n# %%\nx\n"
    for origins in ([1, 2], [0, 2], [2, 0]):
        cells = from_text(twins, text, "#", origins).data["cells"]
        assert [cell["id"] for cell in cells] == ["abc"[place] for place in origins]
    edited = from_text(twins, "# %%\ny\n\n# %%\nx\n\n# %%\nnew\n", "#", [2, 0, None])
    ids = [cell["id"] for cell in edited.data["cells"]]
    assert ids[:2] == ["c", "a"]
    assert ids[2] not in "abc"


def test_a_moved_cell_takes_its_own_with_it_whatever_its_key_says() -> None:
    notebook = notebook_of(raw_cell("a", id="aa"), raw_cell("b", id="bb"))
    # Two lines swapped between two separators that are alike: the keys stay where they were.
    cells = from_text(notebook, "# %%\nb\n\n# %%\na\n", "#", [0, 1]).data["cells"]
    assert [cell["id"] for cell in cells] == ["bb", "aa"]
