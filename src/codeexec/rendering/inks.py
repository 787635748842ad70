"""Colours of a chart for a ground: what is written and ruled on it."""

from __future__ import annotations

import re

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


class Inks:
    """Colours as `#rrggbb` for the ground `#rrggbb`: `ink` for words, `soft` for axes, `grid` for
    lines between them, `plot` for the ground of a plot."""

    def __init__(self, ground: str) -> None:
        self.ground = ground if _HEX.fullmatch(ground) else "#ffffff"
        red, green, blue = _rgb(self.ground)
        self.is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128
        self.ink = "#e6e6e6" if self.is_dark else "#2a3f5f"
        self.soft = self.mixed(0.55)
        self.grid = self.mixed(0.18)
        self.plot = self.mixed(0.05)

    def mixed(self, share: float) -> str:
        """The ground with a share of ink in it."""
        pairs = zip(_rgb(self.ground), _rgb(self.ink), strict=True)
        return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in pairs)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
