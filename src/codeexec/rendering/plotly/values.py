"""Values of plotly's JSON, whatever types they have: numbers, texts, colours, arrays.

plotly 6 and later write arrays as base64 of a numeric type: {"dtype": "f8", "bdata": "…"}.
"""

from __future__ import annotations

import array
import base64
import binascii
import re
import sys
from collections.abc import Sequence
from typing import Any

MOST_VALUES = 4_000_000
"""Values of an array that are read."""

LARGEST = 1e150
"""Numbers from here on have no place: their differences and squares would be infinite."""

_CODES = {"i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "f4": "f", "f8": "d",
          "i8": "q", "u8": "Q"}  # fmt: skip
_COLOR = re.compile(
    r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?|[a-zA-Z]{3,20}"
    r"|rgba?\(\s*\d{1,3}(?:\.\d+)?(?:\s*,\s*\d{1,3}(?:\.\d+)?){2}(?:\s*,\s*[\d.]{1,20})?\s*\)"
)
_TAG = re.compile(r"<[^<>]{0,200}>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def table(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def tables(value: object) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both objects in one; where both have a value, that of `above` counts."""
    result = dict(below)
    for name, value in above.items():
        if isinstance(value, dict) and isinstance(result.get(name), dict):
            result[name] = merged(result[name], value)
        elif value is not None:
            result[name] = value
    return result


def number(value: object) -> float | None:
    """A number, also one written as text; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if abs(result) < LARGEST else None


def bounded(value: object, default: float, low: float, high: float) -> float:
    """A number within bounds; the default where it is none."""
    found = number(value)
    return default if found is None else min(max(found, low), high)


def text(value: object, most: int = 200) -> str:
    """A text on one line without markup; numbers too. Empty for all else."""
    return " ".join(lines(value, most))


def lines(value: object, most: int = 200) -> list[str]:
    """A text by its `<br>`, without other markup and without what no font shows."""
    if isinstance(value, dict):
        value = value.get("text")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return []
    parts = _BREAK.split(str(value)[: 4 * most])
    cleaned = ("".join(filter(_is_shown, _TAG.sub("", part)))[:most].strip() for part in parts)
    return [part for part in cleaned if part][:20]


def _is_shown(character: str) -> bool:
    return character.isprintable() and not "\ud800" <= character <= "\udfff"


def color(value: object, default: str) -> str:
    """A colour that SVG knows; the default for all else."""
    is_color = isinstance(value, str) and _COLOR.fullmatch(value.strip())
    return str(value).strip() if is_color else default


def rgb(value: str, default: tuple[int, int, int] = (99, 110, 250)) -> tuple[int, int, int]:
    """Red, green and blue of a colour."""
    from PIL import ImageColor

    try:
        red, green, blue, *_ = ImageColor.getrgb(value if "." not in value else _whole(value))
    except ValueError:
        return default
    return red, green, blue


def _whole(value: str) -> str:
    """`rgba(1.5,2,3,0.5)` as Pillow reads it: whole numbers, no transparency."""
    numbers = re.findall(r"[\d.]+", value)[:3]
    return f"rgb({','.join(str(round(float(part))) for part in numbers)})"


def values(value: object) -> Sequence[Any]:
    """The elements of an array, plain or as base64; empty for all else."""
    if isinstance(value, list):
        return value[:MOST_VALUES]
    if isinstance(value, dict) and "bdata" in value:
        return _decoded(value)
    return ()


def rows(value: object) -> list[Sequence[Any]]:
    """The rows of an array of two dimensions; empty for all else."""
    if isinstance(value, dict) and "bdata" in value:
        shape = [int(part) for part in re.findall(r"\d{1,9}", str(value.get("shape", "")))]
        flat = _decoded(value)
        if len(shape) != 2 or shape[1] < 1:
            return []
        return [flat[at : at + shape[1]] for at in range(0, len(flat), shape[1])][: shape[0]]
    return [values(row) for row in value] if isinstance(value, list) else []


def _decoded(value: dict[str, Any]) -> Sequence[Any]:
    code = _CODES.get(str(value.get("dtype", "")).lstrip("<|="))
    encoded = value.get("bdata")
    if code is None or not isinstance(encoded, str):
        return ()
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return ()
    numbers = array.array(code)
    usable = min(len(content) // numbers.itemsize, MOST_VALUES) * numbers.itemsize
    numbers.frombytes(content[:usable])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
