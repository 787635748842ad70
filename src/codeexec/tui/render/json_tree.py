"""JSON as a tree: children of a value, and its one-line preview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Literal

from codeexec.domain.errors import DocumentError
from codeexec.domain.text.parsing import load_json

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Kind = Literal["object", "array", "string", "number", "boolean", "null"]

GROUP = 100
"""Children shown at once: those of a longer array or object come in groups of so many."""

_PREVIEW = 60


def parse(text: str) -> Json:
    """The value; DocumentError says where the text is not JSON."""
    try:
        value: Json = load_json(text)
    except json.JSONDecodeError as fault:
        raise DocumentError(
            f"This is not JSON: {fault.msg} in line {fault.lineno}, column {fault.colno}.",
            "Look at it as text.",
        ) from None
    except ValueError as fault:
        raise DocumentError(f"This JSON is not shown: {fault}.", "Look at it as text.") from None
    return value


def kind(value: Json) -> Kind:
    """What sort of value it is."""
    match value:
        case dict():
            return "object"
        case list():
            return "array"
        case str():
            return "string"
        case bool():
            return "boolean"
        case None:
            return "null"
        case _:
            return "number"


def size(value: Json) -> int:
    """How many children it has."""
    return len(value) if isinstance(value, dict | list) else 0


def children(value: Json, start: int = 0, stop: int | None = None) -> Iterator[tuple[str, Json]]:
    """Names and values of the children `start` to `stop`; arrays name theirs by number."""
    if isinstance(value, dict):
        for name in list(value)[start:stop]:
            yield name, value[name]
    elif isinstance(value, list):
        for at, child in enumerate(value[start:stop], start):
            yield str(at), child


def groups(value: Json) -> Iterator[tuple[int, int]]:
    """The stretches in which a long value's children are shown; none for a short one."""
    length = size(value)
    if length > GROUP:
        for start in range(0, length, GROUP):
            yield start, min(start + GROUP, length)


def preview(value: Json) -> str:
    """The value in a line: scalars as they are, the others by their first children."""
    match value:
        case dict():
            inner = ", ".join(list(value)[:5])
            more = ", …" if len(value) > 5 else ""
            return _short(f"{{{inner}{more}}}") if value else "{}"
        case list():
            return f"[{len(value)}]" if value else "[]"
        case str():
            return _short(
                json.dumps(value[: _PREVIEW * 4], ensure_ascii=False), len(value) > 4 * _PREVIEW
            )
        case _:
            return json.dumps(value)


def _short(text: str, is_cut: bool = False) -> str:
    return text[: _PREVIEW - 1] + "…" if len(text) > _PREVIEW or is_cut else text
