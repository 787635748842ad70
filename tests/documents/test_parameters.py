"""Parameters of notebooks: the same cell in the same place as papermill puts it."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml
from papermill.cli import _resolve_type
from papermill.iorw import NoDatesSafeLoader, load_notebook_node
from papermill.parameterize import parameterize_notebook
from papermill.translators import translate_parameters

from codeexec.documents.notebook.convert import Notebook, parse_notebook
from codeexec.documents.parameters import (
    decode_parameters,
    inject,
    parse_parameters,
    read_parameters,
    value_of_word,
)
from codeexec.domain.errors import UsageError

VALUES: dict[str, Any] = {
    "a": 3,
    "b": -1.5e-7,
    "c": 'it\'s "é"\n\\',
    "d": [1, "x", None, True, {"k": [2.0]}],
    "e": {"deep": {"er": False}},
    "f": float("inf"),
    "g": float("nan"),
    "h": float("-inf"),
    "i": None,
    "j": True,
}


def book(*tags: str) -> str:
    cells = [
        nbformat.v4.new_code_cell(f"x{n}", metadata={"tags": [tag]} if tag else {})  # type: ignore[no-untyped-call]
        for n, tag in enumerate(tags)
    ]
    made = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    return str(nbformat.writes(made))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "tags",
    [
        (),
        ("",),
        ("", "parameters", ""),
        ("parameters", "injected-parameters", ""),
        ("injected-parameters", "parameters"),
    ],
)
def test_the_cell_is_as_papermill_writes_it(tmp_path: Path, tags: tuple[str, ...]) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(book(*tags))
    theirs = parameterize_notebook(load_notebook_node(str(path)), VALUES).cells
    ours = inject(parse_notebook(path.read_text()), VALUES)
    nbformat.validate(ours.data)
    assert [("".join(c["source"]), c["metadata"].get("tags", [])) for c in ours.data["cells"]] == [
        (cell.source, cell.metadata.get("tags", [])) for cell in theirs
    ]


@pytest.mark.parametrize(
    "word", ["1", "-2", "1e3", "0.5", "True", "False", "None", "true", "a b", "", "1_000", "nan"]
)
def test_words_mean_what_papermill_takes_them_for(word: str) -> None:
    assert repr(value_of_word(word)) == repr(_resolve_type(word))


def test_files_of_parameters(tmp_path: Path) -> None:
    for name, text in (
        ("a.yaml", "a: 1\nb: [x, 2.5]\n"),
        ("a.json", json.dumps({"a": 1, "b": ["x", 2.5]})),
        ("a.toml", 'a = 1\nb = ["x", 2.5]\n'),
    ):
        (tmp_path / name).write_text(text)
        assert read_parameters(tmp_path / name) == {"a": 1, "b": ["x", 2.5]}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["- 1\n", "a: [\n", "[" * 5000, "1: 2\n", "a: &x [*x]", "!!python/object:os.x {}", "\xff"],
)
def test_what_holds_no_parameters_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        read_parameters(path)
    assert "a.yaml" in caught.value.message
    with pytest.raises(UsageError):
        read_parameters(tmp_path)


SIMPLE = {name: value for name, value in VALUES.items() if name not in ("f", "g", "h")}


@pytest.mark.parametrize(
    ("language", "values"),
    [
        ("R", {**SIMPLE, "_hidden": 1, "a.b": 2}),
        ("julia", SIMPLE),
        ("bash", {**{k: v for k, v in SIMPLE.items() if k not in "de"}, "l": ["a b", 1, True]}),
    ],
)
def test_other_languages_are_written_as_by_papermill(language: str, values: dict[str, Any]) -> None:
    name = {"R": "ir", "julia": "julia-1.9", "bash": "bash"}[language]
    made = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        metadata={"kernelspec": {"name": name, "display_name": name, "language": language}}
    )
    ours = inject(parse_notebook(nbformat.writes(made)), values)  # type: ignore[no-untyped-call]
    theirs = translate_parameters(name, language, values)
    assert "".join(ours.data["cells"][0]["source"]) == theirs


@pytest.mark.parametrize(
    "text",
    ["a: 2024-01-01\nb: 2024-01-01T10:00:00Z", "a: .inf\nb: 0x10", "", "a: {x: [1, ~]}", "a: yes"],
)
def test_yaml_means_what_papermill_takes_it_for(text: str) -> None:
    expected = yaml.load(text, Loader=NoDatesSafeLoader) or {}
    assert parse_parameters(text, "it") == expected
    assert decode_parameters(b64encode(text.encode()).decode(), "it") == expected


@pytest.mark.parametrize("word", ["%", "/w==", b64encode(b"- 1").decode()])
def test_what_is_no_encoded_yaml_is_said(word: str) -> None:
    with pytest.raises(UsageError, match="--x"):
        decode_parameters(word, "--x")


def test_names_and_languages_that_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="no name"):
        inject(parse_notebook(book()), {"import os; x": 1})
    with pytest.raises(UsageError, match="in ruby,"):
        inject(Notebook({"cells": [], "metadata": {"language_info": {"name": "ruby"}}}), {"a": 1})
    with pytest.raises(UsageError, match="maps names"):
        inject(Notebook({"cells": [], "metadata": {"language_info": {"name": "bash"}}}), {"a": {}})
