"""Display of the last keys and their actions, for presentations."""

from __future__ import annotations

from time import monotonic

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.theme.theme import Theme

_MOST = 3
"""Keys that are shown at a time."""

_SECONDS = 5.0
"""How long a key is shown after the last one."""


class KeysShown(Widget):
    """A line of its own, there only in presentation mode."""

    DEFAULT_CSS = """
    KeysShown { height: 1; display: none; }
    KeysShown.-on { display: block; }
    """

    def __init__(self, theme: Theme, id: str = "keys-shown") -> None:
        super().__init__(id=id)
        self._theme = theme
        self._keys: list[tuple[str, str, int]] = []
        self._last = 0.0

    def use(self, theme: Theme) -> None:
        self._theme = theme
        self.refresh()

    def turn(self, on: bool) -> None:
        """Show keys from now on, or none."""
        self._keys.clear()
        self.set_class(on, "-on")

    @property
    def is_on(self) -> bool:
        return self.has_class("-on")

    def note(self, key: str, description: str) -> None:
        """A key was pressed that does what the words say; the same one again is counted."""
        self._last = monotonic()
        last = self._keys[-1] if self._keys else ("", "", 0)
        if last[:2] == (key, description):
            self._keys[-1] = (key, description, last[2] + 1)
        else:
            self._keys = [*self._keys, (key, description, 1)][-_MOST:]
        self.refresh()
        call_after(self, _SECONDS + 0.1, self._forget)

    def _forget(self) -> None:
        if self._keys and monotonic() - self._last >= _SECONDS:
            self._keys.clear()
            self.refresh()

    def render_line(self, y: int) -> Strip:
        key_style = self._theme.style("accent.ground")
        segments: list[Segment] = []
        for key, description, times in self._keys:
            repeat = f" ×{times}" if times > 1 else ""
            segments += [
                Segment(f" {key}{repeat} ", key_style),
                Segment(f" {description}   ", self._theme.style("text")),
            ]
        used = sum(cell_len(segment.text) for segment in segments)
        indent = max((self.size.width - used) // 2, 0)
        strip = Strip([Segment(" " * indent), *segments])
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)
