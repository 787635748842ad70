"""A plot: two scales and the box that they span on the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from codeexec.rendering.plotly.scales import Scale


@dataclass
class Plot:
    """Places of the scales in pixels; the box is set when all traces are known."""

    x: Scale
    y: Scale
    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0

    def at_x(self, place: float) -> float:
        return self.left + self.x.share(place) * self.width

    def at_y(self, place: float) -> float:
        return self.top + (1 - self.y.share(place)) * self.height
