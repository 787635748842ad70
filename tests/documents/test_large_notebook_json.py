"""Large notebooks are parted cell by cell as the parser of the whole parts them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codeexec.documents.notebook import large_json
from codeexec.documents.notebook.convert import parse_notebook
from codeexec.documents.notebook.large_json import split_in_parts
from codeexec.documents.notebook.raw_json import Piece, SplitJson, split_list, split_object
from codeexec.documents.notebook.source import NotebookSource
from codeexec.domain.errors import DocumentError
from support.public_notebooks import ALL


def as_bytes(split: SplitJson) -> tuple[list[bytes], ...]:
    def of(pieces: Any) -> list[bytes]:
        return [bytes(piece) for piece in pieces]

    return of(split.gaps), of(split.keys), of(split.values), [bytes(split.end)]


def parts(text: bytes) -> tuple[SplitJson, SplitJson] | None:
    return split_in_parts(memoryview(text), lambda _: None, 1000)


def whole(text: Piece) -> tuple[SplitJson, SplitJson]:
    members = split_object(text)
    return members, split_list(members.values[members.names.index("cells")])


def book(cells: list[Any], **members: Any) -> dict[str, Any]:
    return {**members, "cells": cells, "metadata": {"a": [1]}, "nbformat": 4, "nbformat_minor": 5}


def code(source: str, *outputs: Any, **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [*outputs]}


TRICKY = '}, {"cell_type": "code" "cells": [{"cell_type"'
BOOKS = [
    book([code("a"), code("b"), {"attachments": {}, "cell_type": "markdown", "source": "c"}]),
    book([code("only")]),
    book([code(TRICKY, {"text": [TRICKY]}), code("\\"), code("{")]),
    book([code("b"), code("ends with {"), {"id": "x", "cell_type": "raw", "source": "}"}], z=1),
    book([code("é€👍", {"data": {"image/png": "A" * 1000}})] * 3, before={"x": "{"}),
]


@pytest.mark.parametrize("data", BOOKS)
@pytest.mark.parametrize("indent", [None, 1, 4])
def test_parts_are_those_of_the_whole(data: dict[str, Any], indent: int | None) -> None:
    for newline in ("\n", "\r\n"):
        text = json.dumps(data, indent=indent, ensure_ascii=False).replace("\n", newline).encode()
        found = parts(text + newline.encode())
        assert found is not None
        expected = whole(text + newline.encode())
        assert [as_bytes(split) for split in found] == [as_bytes(split) for split in expected]
        assert found[0].names == expected[0].names


@pytest.mark.parametrize("name", ALL)
def test_notebooks_of_other_programs(name: str) -> None:
    text = ALL[name].encode()
    found = parts(text)
    assert found is not None
    assert [as_bytes(split) for split in found] == [as_bytes(split) for split in whole(text)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(book([code("a"), code("b")], before={"cells": [{"id": 1}]})),
        json.dumps({"metadata": {"x": {"cells": [{"id": "a"}]}}}),
        json.dumps(book([])),
        json.dumps({"cells": 3}),
        '{"cells": [{"cell_type": "code"}], "cells": [{"cell_type": "raw"}]}',
        '{"cells": [{"cell_type": "code"}, {"cell_type": "raw"}',
        '[{"cells": [{"id": 1}, {"id": 2}]}]',
        "",
    ],
)
def test_what_is_not_plain_is_left_to_the_whole_parser(text: str) -> None:
    assert parts(text.encode()) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"cells": [{"cell_type": "code",\n"source": tru}, {"cell_type": "raw"}]}', 2),
        ('{"cells": [{"cell_type": "code"}, {"source": [1 2]}, {"cell_type": "raw"}]}', 1),
    ],
)
def test_broken_cells_are_named_by_their_line(
    monkeypatch: pytest.MonkeyPatch, text: str, line: int
) -> None:
    monkeypatch.setattr("codeexec.documents.notebook.source.LARGE", 1)
    with pytest.raises(DocumentError, match=f"line {line}"):
        parse_notebook(memoryview(text.encode()))


def test_nested_cells_and_other_values_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = code("a", {"data": [{"cell_type": 1}, {"cell_type": 2}]})
    text = json.dumps(book([nested, code("b"), code("c")])).encode()
    before = NotebookSource(text).data
    monkeypatch.setattr("codeexec.documents.notebook.source.LARGE", 1)
    source = NotebookSource(memoryview(text))
    assert source.data == before
    assert len(source.data["cells"]) == 3


def test_too_many_cells_and_too_much_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    text = memoryview(json.dumps(book([code("a")] * 20)).encode())
    assert split_in_parts(text, lambda _: None, 19) is None
    monkeypatch.setattr(large_json, "_MOST_REST", 40)
    assert split_in_parts(text, lambda _: None, 100) is None


def test_pages_of_a_mapped_file_are_given_back() -> None:
    text = json.dumps(book([code("a" * 400)] * 20)).encode()
    read: list[int] = []
    assert split_in_parts(memoryview(text), read.append, 100) is not None
    assert len(read) == 19 and sum(read) > 19 * 400
