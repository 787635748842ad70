"""SVG documents: whether bytes are one, its size, and without references.

A document may come from an untrusted source. The renderer reads files that the document refers to
(also `/dev/zero`), and ends its process when a picture is too large for memory. So file references
are removed first, and the rest runs in the helper process.
"""

from __future__ import annotations

import re

from codeexec.domain.errors import DocumentError

_HEAD = re.compile(
    rb"\s*+(?:\xef\xbb\xbf)?+(?:<\?xml[^>]*+>|<!--.*?-->|<!DOCTYPE[^>\[]*+(?:\[[^\]]*+\]\s*+)?>|\s++)*+<svg\b",
    re.DOTALL,
)
_HREF = re.compile(r"""(href\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)
_ENTITY = re.compile(r"""<!ENTITY\s[^"'<>]*+("[^"]*"|'[^']*')""")
_ROOT = re.compile(r"<svg\b[^<>]*+>", re.DOTALL)
_BOX = re.compile(r"""\bviewBox\s*=\s*["']([^"']*)["']""")
_LENGTH = re.compile(r"""\s(width|height)\s*=\s*["']\s*([0-9.]+(?:e[0-9+-]+)?)""", re.IGNORECASE)

_SIZE = re.compile(
    r"""\s(width|height)\s*=\s*["']\s*([0-9.]+(?:e[0-9+-]+)?)\s*([a-z]*)\s*["']""", re.IGNORECASE
)
"""A length of the root that is absolute; per cents are of a page that there is not."""

_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 96 / 72,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 9.6 / 2.54,
}
"""Pixels of a unit, as CSS has them."""

LONGEST = 1600
"""Pixels of the longer side of a drawn picture."""


def is_svg(data: bytes) -> bool:
    """Whether the bytes begin as an SVG document does."""
    return _HEAD.match(data[:4096]) is not None


def cannot_draw(why: str) -> DocumentError:
    """The error of an SVG document."""
    return DocumentError(f"This SVG cannot be drawn: {why}.", "Look at it in another program.")


def without_references(text: str) -> str:
    """The document without references to files and addresses; its own parts stay.

    Raises DocumentError where entities stand for markup, in which a reference could hide.
    """
    for entity in _ENTITY.finditer(text):
        if "<" in entity[1] or "&" in entity[1]:
            raise cannot_draw("its entities hold markup")
    return _HREF.sub(_own_reference, text)


def _own_reference(match: re.Match[str]) -> str:
    target = match[2][1:-1].strip()
    return match[0] if target.startswith(("#", "data:")) else f'{match[1]}""'


def svg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of an SVG document in pixels, as a browser shows it; None where it does not
    say."""
    root = _ROOT.search(data[:65536].decode("utf-8", "replace"))
    head = root[0] if root else ""
    lengths = {
        name.lower(): _number(value) * _PIXELS[unit.lower()]
        for name, value, unit in _SIZE.findall(head)
        if unit.lower() in _PIXELS
    }
    box = _box_size(head)
    if box is not None and len(lengths) < 2:
        across, down = box
        if "width" in lengths and across:
            lengths["height"] = lengths["width"] * down / across
        elif "height" in lengths and down:
            lengths["width"] = lengths["height"] * across / down
        else:
            lengths = {"width": across, "height": down}
    width, height = lengths.get("width", 0.0), lengths.get("height", 0.0)
    if not (0.5 <= width < 1e7 and 0.5 <= height < 1e7):
        return None
    return round(width), round(height)


def _box_size(head: str) -> tuple[float, float] | None:
    """Width and height of the view box."""
    box = _BOX.search(head)
    numbers = re.findall(r"-?[0-9.]+(?:e[0-9+-]+)?", box[1], re.IGNORECASE) if box else []
    return (_number(numbers[2]), _number(numbers[3])) if len(numbers) == 4 else None


def longer_side(text: str) -> str:
    """`width=` or `height=` with the pixels of the side that the document has longer."""
    root = _ROOT.search(text)
    head = root[0] if root else ""
    lengths = {name.lower(): _number(value) for name, value in _LENGTH.findall(head)}
    if len(lengths) < 2 and (box := _box_size(head)) is not None:
        lengths = {"width": box[0], "height": box[1]}
    is_tall = lengths.get("height", 0.0) > lengths.get("width", 0.0)
    return f"{'height' if is_tall else 'width'}={LONGEST}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
