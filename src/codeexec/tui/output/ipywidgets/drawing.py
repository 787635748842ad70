"""Lines of widgets with the places of their controls, which are put side by side or below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.domain.outputs import MimePart


@dataclass(frozen=True, slots=True)
class Control:
    """Something that takes keys and clicks: `width` cells of line `row` from column `x` on.
    `option` is the number of an option or of a child; -1: the widget as a whole. `track` says that
    the cells stand for the values of a slider."""

    model: str
    row: int
    x: int
    width: int
    option: int = -1
    track: bool = False

    @property
    def place(self) -> tuple[str, int]:
        """What has the keys."""
        return self.model, self.option


@dataclass(slots=True)
class Drawing:
    """Lines, each no wider than it was asked for. `picture` is to be painted in the place of line
    `picture_row`."""

    lines: list[Strip] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    picture: MimePart | None = None
    picture_row: int = 0

    @property
    def width(self) -> int:
        return max((line.cell_length for line in self.lines), default=0)

    def add(self, other: Drawing, indent: int = 0) -> None:
        """Put another one below."""
        first = len(self.lines)
        margin = [Segment(" " * indent)] if indent else []
        self.lines += [Strip([*margin, *line]) for line in other.lines]
        self.controls += [
            replace(control, row=control.row + first, x=control.x + indent)
            for control in other.controls
        ]
        if other.picture is not None:
            self.picture, self.picture_row = other.picture, other.picture_row + first

    def add_line(self, segments: Sequence[Segment]) -> None:
        self.lines.append(Strip(segments))


def beside(drawings: Iterable[Drawing], width: int, gap: int = 2) -> Drawing:
    """Side by side as far as they fit, the others below."""
    whole = Drawing()
    row: list[Drawing] = []
    used = 0
    for drawing in drawings:
        if not drawing.lines:
            continue
        if row and used + gap + drawing.width > width:
            whole.add(_row(row, gap))
            row, used = [], 0
        used += drawing.width + (gap if row else 0)
        row.append(drawing)
    if row:
        whole.add(_row(row, gap))
    return whole


def _row(drawings: Sequence[Drawing], gap: int) -> Drawing:
    if len(drawings) == 1:
        return drawings[0]
    joined = Drawing([Strip([])] * max(len(drawing.lines) for drawing in drawings))
    x = 0
    for drawing in drawings:
        for at, line in enumerate(drawing.lines):
            start = joined.lines[at]
            padding = Segment(" " * (x - start.cell_length))
            joined.lines[at] = Strip([*start, padding, *line])
        joined.controls += [replace(control, x=control.x + x) for control in drawing.controls]
        if drawing.picture is not None:  # painted over the whole width, below
            joined.picture, joined.picture_row = drawing.picture, drawing.picture_row
        x += drawing.width + gap
    return joined


def restyled(strip: Strip, start: int, width: int, style: Style) -> Strip:
    """The strip with another style from column `start` on."""
    middle = [
        Segment(text, (old or Style.null()) + style)
        for text, old, _ in strip.crop(start, start + width)
    ]
    return Strip([*strip.crop(0, start), *middle, *strip.crop(start + width)])
