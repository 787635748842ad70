"""JSON kept as bytes: splits an object or a list into its values without parsing them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from codeexec.domain.text.parsing import LONG_NUMBER, TOO_DEEP, check_depth, load_json

if TYPE_CHECKING:
    from collections.abc import Sequence

Piece = bytes | memoryview
"""UTF-8 text of JSON, or a part of it."""

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SPACE_TEXT = re.compile(r"[ \t\r\n]*+")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE = msgspec.json.Decoder()
_STRICT_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What `msgspec` raises for broken JSON, and for what only Python's `json` reads (`NaN`, halves of
surrogate pairs)."""


@dataclass(frozen=True, slots=True)
class SplitJson:
    """The text of an object or a list, in parts: before each value its `gaps` (bracket or comma
    with blanks) and its `keys` (name with colon and blanks; empty in a list), and the `end`."""

    names: Sequence[str]
    gaps: Sequence[Piece]
    keys: Sequence[Piece]
    values: Sequence[Piece]
    end: Piece


def split_object(text: Piece) -> SplitJson:
    """The members of an object. Raises ValueError: JSONDecodeError if it is broken."""
    try:
        raws = _OBJECT.decode(text)
        return _members(memoryview(text), raws)
    except (*_STRICT_ERRORS, _RepeatedNames):
        return _split_slowly(text, "{}")


def split_list(text: Piece) -> SplitJson:
    """The items of a list. Raises ValueError as `split_object`."""
    try:
        raws = _LIST.decode(text)
    except _STRICT_ERRORS:
        return _split_slowly(text, "[]")
    view = memoryview(text)
    gaps: list[Piece] = []
    values: list[Piece] = []
    start, at = 0, _after_space(view, 0) + 1
    for raw in raws:
        at = _after_space(view, at)
        end = at + len(memoryview(raw))
        gaps.append(view[start:at])
        values.append(view[at:end])
        start, at = end, _after_space(view, end) + 1
    return SplitJson((), gaps, (b"",) * len(gaps), values, view[start:])


def count_items(text: Piece) -> int:
    """The number of items of a list. Raises ValueError as `split_object`."""
    try:
        return len(_LIST.decode(text))
    except _STRICT_ERRORS:
        return len(_split_slowly(text, "[]").values)


class _RepeatedNames(Exception):
    """An object has a name twice: the decoder keeps the last one only."""


def _members(view: memoryview, raws: dict[str, msgspec.Raw]) -> SplitJson:
    names: list[str] = []
    gaps: list[Piece] = []
    keys: list[Piece] = []
    values: list[Piece] = []
    start, at = 0, _after_space(view, 0) + 1
    for name, raw in raws.items():
        at = _after_space(view, at)
        key = _STRING.match(view, at)
        if key is None or _VALUE.decode(view[at : key.end()]) != name:
            raise _RepeatedNames
        value = _after_space(view, _after_space(view, key.end()) + 1)
        end = value + len(memoryview(raw))
        names.append(name)
        gaps.append(view[start:at])
        keys.append(view[at:value])
        values.append(view[value:end])
        start, at = end, _after_space(view, end) + 1
    if names and bytes(view[at - 1 : at]) != b"}":
        raise _RepeatedNames
    return SplitJson(names, gaps, keys, values, view[start:])


def _after_space(view: memoryview, at: int) -> int:
    match = _SPACE.match(view, at)
    return match.end() if match is not None else at


def _split_slowly(piece: Piece, brackets: str) -> SplitJson:
    """The same with the parser of Python, which accepts more and names the place of an error."""
    text = bytes(piece).decode()
    parts = _SlowParts()
    decoder = json.JSONDecoder()
    is_object = brackets == "{}"
    start, at = 0, _next(text, 0)
    if text[at : at + 1] != brackets[0]:
        raise json.JSONDecodeError(f"Expecting '{brackets[0]}'", text, at)
    at = _next(text, at + 1)
    while text[at : at + 1] != brackets[1]:
        value_at, name = at, ""
        if is_object:
            if text[at : at + 1] != '"':
                _fail("Expecting property name enclosed in double quotes", text, at)
            name, colon = decoder.raw_decode(text, at)
            colon = _next(text, colon)
            if text[colon : colon + 1] != ":":
                _fail("Expecting ':' delimiter", text, colon)
            value_at = _next(text, colon + 1)
        end = _end_of_value(decoder, text, value_at)
        parts.add(name, text[start:at], text[at:value_at], text[value_at:end])
        start, at = end, _next(text, end)
        if text[at : at + 1] == ",":
            at = _next(text, at + 1)
            if text[at : at + 1] == brackets[1]:
                _fail("Illegal trailing comma before end", text, at)
        elif text[at : at + 1] != brackets[1]:
            _fail("Expecting ',' delimiter", text, at)
    rest = _next(text, at + 1)
    if rest < len(text):
        _fail("Extra data", text, rest)
    return SplitJson(parts.names, parts.gaps, parts.keys, parts.values, text[start:].encode())


class _SlowParts:
    def __init__(self) -> None:
        self.names: list[str] = []
        self.gaps: list[Piece] = []
        self.keys: list[Piece] = []
        self.values: list[Piece] = []

    def add(self, name: str, gap: str, key: str, value: str) -> None:
        self.names.append(name)
        self.gaps.append(gap.encode())
        self.keys.append(key.encode())
        self.values.append(value.encode())


def _fail(message: str, text: str, at: int) -> NoReturn:
    raise json.JSONDecodeError(message, text, at)


def _next(text: str, at: int) -> int:
    match = _SPACE_TEXT.match(text, at)
    return match.end() if match is not None else at


def _end_of_value(decoder: json.JSONDecoder, text: str, at: int) -> int:
    try:
        value, end = decoder.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise ValueError(LONG_NUMBER) from error
    check_depth(value)
    return end


def parsed(text: Piece) -> Any:
    """The value of a piece of JSON. Raises ValueError."""
    try:
        value = _VALUE.decode(text)
    except _STRICT_ERRORS:
        return load_json(bytes(text))
    check_depth(value)
    return value


def parsed_members(text: Piece, but: str) -> dict[str, Any]:
    """The members of an object, parsed, but for the member `but`, which is its JSON. ValueError."""
    try:
        raws = _OBJECT.decode(text)
        members = {
            name: memoryview(raw) if name == but else _VALUE.decode(raw)
            for name, raw in raws.items()
        }
    except _STRICT_ERRORS:
        split = split_object(text)
        return {
            name: value if name == but else parsed(value)
            for name, value in zip(split.names, split.values, strict=True)
        }
    check_depth(members)
    return members
