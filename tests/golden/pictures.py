"""Pictures of a screen as small files of text: the characters once, and their looks side by side.

A file holds one screen at one size, in several looks (a theme at a colour depth):

    [text]      the rows, a bar before and behind each
    [looks]     their names
    [styles]    a letter, and what it looks like in each look: colour on ground, attributes
    [cells]     for each row how many cells have which style, `12a 3b`; `=` is the row above

so a changed word changes one row, and a changed colour one line of styles.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import ModuleType

from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.segment import Segment
from rich.style import Style

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"

_ATTRIBUTES = ("bold", "italic", "underline", "reverse", "strike", "dim")

Cell = tuple[str, ...]
"""What one cell looks like in each look."""


@dataclass(frozen=True)
class Picture:
    """One screen: its rows of text, and for each cell its style in each of the looks."""

    rows: tuple[str, ...]
    looks: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]

    def segments(self, look: str) -> list[list[Segment]]:
        """The rows as they are painted in one look."""
        at = self.looks.index(look)
        return [
            [
                Segment(text, Style.parse(style.replace("on default", "").strip() or "none"))
                for text, style in _pieces(row, [cell[at] for cell in cells])
            ]
            for row, cells in zip(self.rows, self.cells, strict=True)
        ]

    def svg(self, look: str) -> str:
        rows = self.segments(look)
        width = max(len(cells) for cells in self.cells)
        ground, text = _usual(rows)
        return str(_drawing().draw(rows, width, ground, text))


def take(strips: Mapping[str, Sequence[Iterable[Segment]]]) -> Picture:
    """The picture of a screen, given what it paints in each look. ValueError where its words
    differ from look to look."""
    texts = {
        look: tuple("".join(segment.text for segment in row) for row in rows)
        for look, rows in strips.items()
    }
    first = next(iter(texts.values()))
    for look, rows in texts.items():
        if rows != first:
            at = next(n for n, (a, b) in enumerate(zip(rows, first, strict=False)) if a != b)
            raise ValueError(f"row {at + 1} differs in {look}: {rows[at]!r}, {first[at]!r}")
    painted = [[_styles(row) for row in rows] for rows in strips.values()]
    cells = tuple(
        tuple(zip(*(rows[at] for rows in painted), strict=True)) for at in range(len(first))
    )
    return Picture(first, tuple(strips), cells)


def write(picture: Picture) -> str:
    """The picture as text of a file."""
    names: dict[Cell, str] = {}
    rows: list[str] = []
    for cells in picture.cells:
        runs = []
        for cell, same in groupby(cells):
            name = names.setdefault(cell, _letters(len(names)))
            runs.append(f"{sum(1 for _ in same)}{name}")
        rows.append(" ".join(runs))
    short = [row if not at or row != rows[at - 1] else "=" for at, row in enumerate(rows)]
    styles = [f"{name}: {' | '.join(cell)}" for cell, name in names.items()]
    parts = (
        *("[text]", *(f"|{row}|" for row in picture.rows)),
        *("[looks]", " | ".join(picture.looks)),
        *("[styles]", *styles),
        *("[cells]", *short),
    )
    return "\n".join(parts) + "\n"


def read(text: str) -> Picture:
    """What `write` has written."""
    body, _, rest = text.removeprefix("[text]\n").partition("\n[looks]\n")
    looks, _, rest = rest.partition("\n[styles]\n")
    styles, _, runs = rest.partition("\n[cells]\n")
    named = {
        name: tuple(cell.split(" | "))
        for name, _, cell in (line.partition(": ") for line in styles.split("\n"))
    }
    cells: list[tuple[Cell, ...]] = []
    for line in runs.rstrip("\n").split("\n"):
        row = cells[-1] if line == "=" else tuple(_unfold(line, named))
        cells.append(row)
    rows = tuple(row[1:-1] for row in body.split("\n"))
    return Picture(rows, tuple(looks.split(" | ")), tuple(cells))


def differences(expected: Picture, actual: Picture, most: int = 8) -> list[str]:
    """Where two pictures differ, in words; empty where they do not."""
    found = [
        f"row {number}:\n  - {old.rstrip()}\n  + {new.rstrip()}"
        for number, (old, new) in enumerate(zip(expected.rows, actual.rows, strict=False), 1)
        if old != new
    ]
    if len(expected.rows) != len(actual.rows) or expected.looks != actual.looks:
        before, after = len(expected.rows), len(actual.rows)
        found.append(f"{before} rows in {expected.looks}; now {after} in {actual.looks}")
    elif not found:
        for number, cells in enumerate(zip(expected.cells, actual.cells, strict=True), 1):
            found += [f"row {number}, {words}" for words in _recolored(*cells, actual.looks)]
    return found[:most] + ([f"… {len(found) - most} more"] if len(found) > most else [])


def _recolored(old: Sequence[Cell], new: Sequence[Cell], looks: Sequence[str]) -> Iterable[str]:
    """The first of each stretch of cells of a row that look otherwise in the same way."""
    last: tuple[Cell, Cell] | None = None
    for column, change in enumerate(zip(old, new, strict=False), 1):
        if change != last and change[0] != change[1]:
            parts = zip(looks, *change, strict=True)
            words = [f"{look}: {was} -> {now}" for look, was, now in parts if was != now]
            yield f"column {column}: {'; '.join(words)}"
        last = change


def _pieces(row: str, styles: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Stretches of a row that have one style."""
    column, text, style = 0, "", ""
    for sign in row:
        here = styles[min(column, len(styles) - 1)]
        if here != style and text and cell_len(sign):
            yield text, style
            text = ""
        if not text:
            style = here
        text += sign
        column = min(column + cell_len(sign), len(styles) - 1)
    if text:
        yield text, style


def _styles(row: Iterable[Segment]) -> list[str]:
    """The style of each cell of a row, in words."""
    return [
        words
        for segment in row
        if not segment.control
        for words in [_words(segment.style)] * cell_len(segment.text)
    ]


def _words(style: Style | None) -> str:
    if style is None:
        return "default on default"
    attributes = [name for name in _ATTRIBUTES if getattr(style, name)]
    return " ".join([_color(style.color), "on", _color(style.bgcolor), *attributes])


def _color(color: Color | None) -> str:
    if color is None or color.is_default:
        return "default"
    if color.type in (ColorType.STANDARD, ColorType.EIGHT_BIT):
        return f"color({color.number})"
    return color.triplet.hex if color.triplet is not None else color.name


def _letters(number: int) -> str:
    """a, b, …, z, aa, ab, …"""
    rest, last = divmod(number, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("a") + last)


_RUN = re.compile(r"(\d+)([a-z]+)")


def _unfold(line: str, named: Mapping[str, Cell]) -> Iterable[Cell]:
    for count, name in _RUN.findall(line):
        yield from [named[name]] * int(count)


def _usual(rows: Sequence[Sequence[Segment]]) -> tuple[str, str]:
    """The ground and the colour that most cells have."""
    counts: dict[tuple[str, str], int] = {}
    for row in rows:
        for segment in row:
            style = segment.style or Style()
            if style.bgcolor and style.color:
                key = style.bgcolor.get_truecolor().hex, style.color.get_truecolor().hex
                counts[key] = counts.get(key, 0) + cell_len(segment.text)
    return max(counts, key=lambda key: counts[key], default=("#000000", "#ffffff"))


def _drawing() -> ModuleType:
    """`screenshots/picture.py`, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("picture", ROOT / "screenshots" / "picture.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
