"""Brings a notebook's JSON into format 4: upgrades older formats, checks the types of values.

Missing and null values are accepted, as in Jupyter; unknown fields are kept. Only values of types
that the program cannot handle are rejected, with their place in the notebook.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from codeexec.documents.files import PageRelease
from codeexec.documents.notebook.raw_json import Piece, parsed, split_object
from codeexec.documents.notebook.source import NotebookOutputs, RawCell
from codeexec.domain.errors import DocumentError

_TYPES = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}

_CHECKED = frozenset(
    {"output_type", "name", "ename", "evalue", "text", "metadata", "data", "traceback"}
)
"""Members of an output whose types are checked."""
_SAMPLES: dict[bytes, object] = {b"{": {}, b'"': "…", b"[": []}
_LONG = 1_000_000

Fault = tuple[str, str, object]
"""A place such as `cells[3].metadata`, the expected type, and the value."""


def check_shape(data: dict[str, object], name: str) -> None:
    """Raise DocumentError for the first value of a wrong type; `name` is the file name."""
    for place, expected, value in _faults(data):
        raise DocumentError(
            f"{name} is no valid notebook: {place} is {_TYPES.get(type(value), 'wrong')}, "
            f"it must be {expected}.",
            "Open it as text and correct that.",
        )


def _faults(data: dict[str, object]) -> Iterator[Fault]:
    yield from _object(data, "metadata", "metadata")
    minor = data.get("nbformat_minor", 0)
    if not isinstance(minor, int) or isinstance(minor, bool) or not 0 <= minor < 1000:
        yield "nbformat_minor", "a small whole number", minor
    cells = data.get("cells")
    if not isinstance(cells, list):
        yield "cells", "a list", cells
        return
    release: PageRelease | None = None
    for index, cell in enumerate(cells):
        if isinstance(cell, RawCell):
            release = release or PageRelease(cell.piece)
            release.note(len(cell.piece))
        place = f"cells[{index}]"
        if not isinstance(cell, dict):
            yield place, "an object", cell
            return
        yield from _cell(cell, place)


def _cell(cell: dict[str, object], place: str) -> Iterator[Fault]:
    yield from _strings(cell, ("cell_type", "id"), place)
    yield from _text(cell.get("source"), f"{place}.source")
    yield from _object(cell, "metadata", f"{place}.metadata")
    yield from _object(cell, "attachments", f"{place}.attachments")
    outputs = cell.get("outputs")
    if isinstance(outputs, NotebookOutputs):
        yield from _stored(outputs, f"{place}.outputs")
        return
    if not (outputs is None or isinstance(outputs, list)):
        yield f"{place}.outputs", "a list", outputs
        return
    for number, output in enumerate(outputs or ()):
        below = f"{place}.outputs[{number}]"
        if not isinstance(output, dict):
            yield below, "an object", output
            return
        yield from _output(output, below)


def _stored(outputs: NotebookOutputs, place: str) -> Iterator[Fault]:
    """The same for outputs that are not parsed; texts of more than `_LONG` bytes are not looked
    at, as reading them is the cost that this saves."""
    for number, piece in enumerate(outputs.pieces()):
        below = f"{place}[{number}]"
        if piece[:1] != b"{":
            yield below, "an object", parsed(piece)
            return
        split = split_object(piece)
        yield from _output(
            {
                name: _glance(value)
                for name, value in zip(split.names, split.values, strict=True)
                if name in _CHECKED
            },
            below,
        )


def _glance(value: Piece) -> object:
    """A value with the type of this one; the value itself if it is a short text."""
    first = bytes(value[:1])
    if first in (b"{", b'"') or (first == b"[" and len(value) > _LONG):
        return _SAMPLES[first]
    return parsed(value)


def _output(output: dict[str, object], place: str) -> Iterator[Fault]:
    yield from _strings(output, ("output_type", "name", "ename", "evalue"), place)
    yield from _text(output.get("text"), f"{place}.text")
    yield from _object(output, "metadata", f"{place}.metadata")
    yield from _object(output, "data", f"{place}.data")
    trace = output.get("traceback") or []
    if not isinstance(trace, list) or not set(map(type, trace)) <= {str}:
        yield f"{place}.traceback", "a list of strings", trace


def _object(holder: dict[str, object], key: str, place: str) -> Iterator[Fault]:
    value = holder.get(key)
    if not (value is None or isinstance(value, dict)):
        yield place, "an object", value


def _strings(holder: dict[str, object], keys: Iterable[str], place: str) -> Iterator[Fault]:
    for key in keys:
        value = holder.get(key)
        if not (value is None or isinstance(value, str)):
            yield f"{place}.{key}", "a string", value


def _text(value: object, place: str) -> Iterator[Fault]:
    is_lines = isinstance(value, list) and set(map(type, value)) <= {str}
    if not (value is None or isinstance(value, str) or is_lines):
        yield place, "a string or a list of strings", value


def upgrade(text: str, version: int, name: str) -> dict[str, Any]:
    """The JSON of an older notebook in format 4. DocumentError if nbformat cannot read it."""
    import nbformat

    try:
        # The reader of nbformat joins lists of lines, as `convert` expects.
        upgraded = nbformat.convert(nbformat.reader.reads(text), 4)  # type: ignore[no-untyped-call]
        written: dict[str, Any] = json.loads(nbformat.writes(upgraded, version=4))  # type: ignore[no-untyped-call]
    except Exception as error:
        # nbformat raises arbitrary exceptions for damaged old files.
        raise DocumentError(
            f"{name} has format {version} and cannot be upgraded: {error}.",
            "Upgrade it with `jupyter nbconvert --to notebook`.",
        ) from error
    return written
