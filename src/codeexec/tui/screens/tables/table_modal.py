"""Base of the screens that show a table: on the whole screen, or in the place of an output."""

from __future__ import annotations

from typing import TypeVar

from textual import events
from textual.containers import Vertical
from textual.geometry import Region, Size

from codeexec.tui.widgets.modal import Modal

R = TypeVar("R")


class TableModal(Modal[R]):
    """All that it shows is in `window`. With a `place`, in cells of the screen, that stands there,
    and what is around it is seen, until the screen has another size."""

    DEFAULT_CSS = """
    TableModal { background: $surface; }
    TableModal.-in-place { background: transparent; }
    TableModal #window { background: $surface; }
    """

    def __init__(self, place: Region | None) -> None:
        super().__init__()
        self.place = place
        self.window = Vertical(id="window")
        self._first_size: Size | None = None

    @property
    def columns(self) -> int:
        """Columns that there are for a line."""
        return self.size.width if self.place is None else self.place.width

    def on_mount(self) -> None:
        if self.place is not None:
            self.add_class("-in-place")
            self.window.styles.offset = self.place.offset
            self.window.styles.width, self.window.styles.height = self.place.size

    def on_resize(self, event: events.Resize) -> None:
        if self.place is not None and self._first_size not in (None, event.size):
            # What is below has moved.
            self.place = None
            self.remove_class("-in-place")
            self.window.styles.offset = (0, 0)
            self.window.styles.width = self.window.styles.height = "1fr"
        self._first_size = event.size
