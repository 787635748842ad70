"""Where a table stands that is opened in the place of an output."""

from __future__ import annotations

from textual.geometry import Region

ROWS = 14
"""Lines that a table has at least, where there is room for them: a title, a header, rows, and a
line to type into."""


def table_place(pane: Region, top: int, height: int, margin: int) -> Region:
    """Cells of the screen for an output of a pane that begins `top` lines below the pane's own
    beginning (less than 0: above it) and `margin` columns from its left."""
    high = min(max(height, ROWS), pane.height)
    if top < 0:
        high = max(min(high, height + top), min(ROWS, pane.height))
    at = min(max(top, 0), pane.height - high)
    return Region(pane.x + margin, pane.y + at, max(pane.width - margin, 1), high)
