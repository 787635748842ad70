"""Notebooks keep the bytes that were not touched: outputs unparsed, layout, unknown values."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeexec.documents.formats import open_document, save_document
from codeexec.documents.notebook.convert import (
    dump_notebook,
    from_text,
    parse_notebook,
    to_text,
    with_outputs,
)
from codeexec.documents.notebook.source import NotebookOutputs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
METADATA = st.dictionaries(st.text(max_size=6), JSON, max_size=3)
LINES = st.lists(st.sampled_from(["x = 1", "", "# %% no cell", "é", "print('a')"]), max_size=4)
DATA = st.dictionaries(
    st.sampled_from(["text/plain", "image/png", "application/x.unknown+json", "text/html", "a/b"]),
    st.text(max_size=10) | st.lists(st.text(max_size=5), max_size=2),
    max_size=3,
)
OUTPUT = st.one_of(
    st.fixed_dictionaries(
        {"output_type": st.just("display_data"), "data": DATA, "metadata": METADATA}
    ),
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["stdout", "stderr"]),
            "output_type": st.just("stream"),
            "text": st.lists(st.text(max_size=10), max_size=3),
        }
    ),
)


@st.composite
def cell(draw: st.DrawFn, minor: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["code", "markdown", "raw"]))
    made: dict[str, Any] = {"cell_type": kind, "metadata": draw(METADATA)}
    if kind == "code":
        made["outputs"] = draw(st.lists(OUTPUT, max_size=2))
        made["execution_count"] = draw(st.none() | st.integers(0, 99))
    elif draw(st.booleans()):
        made["attachments"] = {"a.png": {"image/png": draw(st.text(max_size=8))}}
    source = "\n".join(draw(LINES))
    made["source"] = draw(st.sampled_from([source, source.splitlines(keepends=True)]))
    if minor == 5:
        made["id"] = draw(st.uuids()).hex[:12]
    order = draw(st.permutations(list(made)))
    return {name: made[name] for name in order}


@st.composite
def notebook_text(draw: st.DrawFn) -> str:
    minor = draw(st.integers(0, 5))
    data = {
        "cells": draw(st.lists(cell(minor), max_size=4)),
        "metadata": draw(METADATA) | {"widgets": {"application/vnd.x": draw(METADATA)}},
        "nbformat": 4,
        "nbformat_minor": minor,
    }
    order = draw(st.permutations(list(data)))
    return json.dumps(
        {name: data[name] for name in order},
        indent=draw(st.sampled_from([None, 0, 1, 2, "\t"])),
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from([(",", ":"), (", ", ": "), None])),
    ) + draw(st.sampled_from(["", "\n"]))


@pytest.mark.slow
@given(notebook_text())
def test_an_unchanged_notebook_is_written_byte_for_byte(text: str) -> None:
    notebook = parse_notebook(text)
    assert dump_notebook(notebook) == text
    assert dump_notebook(from_text(notebook, to_text(notebook, "#"), "#")) == text


@pytest.mark.slow
@given(notebook_text(), st.data())
def test_an_edit_changes_its_cell_alone(text: str, data: st.DataObject) -> None:
    notebook = parse_notebook(text)
    before = json.loads(text)
    if not before["cells"]:
        return
    place = data.draw(st.integers(0, len(before["cells"]) - 1))
    shown = to_text(notebook, "#").split("\n")
    ends = [cell.end for cell in _cells("\n".join(shown))]
    shown.insert(ends[place] - 1, "# added")
    origins = list(range(len(before["cells"])))
    after = json.loads(dump_notebook(from_text(notebook, "\n".join(shown), "#", origins)))
    changed = after["cells"][place].pop("source")
    before["cells"][place].pop("source")
    assert "added" in "".join(changed)
    assert after == before  # all else: ids, metadata, attachments, outputs, widget state
    assert list(after) == list(before)
    assert [list(cell) for cell in after["cells"]] == [list(cell) for cell in before["cells"]]


def _cells(text: str) -> Any:
    from codeexec.documents.percent.cells import split_cells

    return split_cells(text, "#", escaped=True)


@pytest.mark.parametrize("minor", range(6))
def test_new_outputs_replace_those_of_their_cell_alone(minor: int) -> None:
    odd = '{"output_type": "display_data", "data": {"application/q+json": 1.50e2}, "metadata": {}}'
    more = '"id": "i{}", ' if minor == 5 else ""
    cells = ", ".join(
        f'{{"cell_type": "code", {more.format(n)}"metadata": {{"k": 1E3}}, "outputs": [{odd}],'
        f' "execution_count": {n}, "source": "x"}}'
        for n in range(3)
    )
    text = f'{{"cells": [{cells}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": {minor}}}\n'
    ran = with_outputs(parse_notebook(text), 1, [{"output_type": "stream", "text": "hi"}], 7)
    written = dump_notebook(ran)
    assert written.count(odd) == 2
    assert written.count('{"k": 1E3}') == 3
    data = json.loads(written)
    assert data["cells"][1]["outputs"] == [
        {"output_type": "stream", "name": "stdout", "text": ["hi"]}
    ]
    assert [cell["execution_count"] for cell in data["cells"]] == [0, 7, 2]
    nbformat.validate(data)


@pytest.mark.parametrize(
    "text",
    [
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {"a": NaN}, "cells": []}',
        '{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{"cell_type": "code", '
        '"source": "x", "outputs": [{"output_type": "stream", "text": "\\ud800"}]}]}',
        '{"nbformat": 4, "metadata": {"a": 1, "a": 2}, "cells": [ {"source": "", "source": "x"} ]}',
    ],
)
def test_json_that_only_python_reads_is_kept(text: str) -> None:
    notebook = parse_notebook(text)
    again = from_text(notebook, to_text(notebook, "#") + "# %%\ny\n", "#")
    assert json.loads(dump_notebook(notebook)) is not None
    assert dump_notebook(notebook) == text
    start = text[: text.index('"cells": [') + 9]
    assert dump_notebook(again).startswith(start)


def test_crlf_and_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cell = {"cell_type": "markdown", "metadata": {}, "source": ["a"]}
    data = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    text = json.dumps(data, indent=2).replace("\n", "\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    document = open_document(path)
    save_document(document, document.text.replace("# a", "# b\n# c"))
    wanted = text.replace('"a"', '"b\\n",\r\n        "c"')
    assert path.read_bytes() == b"\xef\xbb\xbf" + wanted.encode()


def test_outputs_are_not_parsed_before_they_are_read() -> None:
    text = json.dumps(
        {
            "cells": [{"cell_type": "code", "metadata": {}, "source": "", "outputs": [{"a": 1}]}],
            "metadata": {},
            "nbformat": 4,
        }
    )
    outputs = parse_notebook(text).data["cells"][0]["outputs"]
    assert isinstance(outputs, NotebookOutputs)
    assert bytes(outputs.piece) == b'[{"a": 1}]'
    assert (list(outputs), outputs[0], len(outputs)) == ([{"a": 1}], {"a": 1}, 1)


_MEASURE = """
import re, sys
from pathlib import Path
from codeexec.documents.formats import open_document, save_document
document = open_document(Path(sys.argv[1]))
assert not document.file.read_only
save_document(document, document.text.replace("plot(3)", "plot(33)"))
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_line_breaks_at_the_ends_of_cells_stay(tmp_path: Path) -> None:
    sources: list[object] = ["x = 1\n", ["y\n", "\n"], "\n\nz", "", "\n", "q", ["  \n"], "w\n  "]
    cells = [
        {"cell_type": kind, "metadata": {}, "source": source}
        for kind in ("markdown", "raw")
        for source in sources
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    )
    document = open_document(path)
    save_document(document, document.text.replace("# q", "# new", 1))
    saved = [cell["source"] for cell in json.loads(path.read_text())["cells"]]
    at = sources.index("q")
    assert saved[at] == ["new"]
    assert [*saved[:at], *saved[at + 1 :]] == [*sources[:at], *sources[at + 1 :], *sources]


@pytest.mark.slow
def test_a_hundred_megabytes_of_outputs_are_edited(tmp_path: Path) -> None:
    path = tmp_path / "large.ipynb"
    picture = "iVBORw0K" * 62_500
    with path.open("w") as file:
        file.write('{"cells": [')
        for number in range(200):
            file.write("," * bool(number))
            file.write(
                f'{{"cell_type": "code", "id": "c{number}", "metadata": {{}}, "execution_count": 1,'
                f' "source": "plot({number})", "outputs": [{{"output_type": "display_data",'
                f' "metadata": {{}}, "data": {{"image/png": "{picture}"}}}}]}}'
            )
        file.write('], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    size = path.stat().st_size
    assert size > 100_000_000
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 80_000  # KB at the most; the pages of the file count
    assert path.stat().st_size == size + 1 + len("[]")  # the source is a list of lines now
