"""Popup over the text of an editor: which one is open, and where it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.geometry import Region

from codeexec.tui.panes.editor.popups import CompletionList, Placed, Popup, place

if TYPE_CHECKING:
    from textual.strip import Strip

    from codeexec.tui.panes.editor.code_editor import CodeEditor


class PopupLayer:
    """At most one popup; `current` is None while none is open."""

    def __init__(self, editor: CodeEditor) -> None:
        self._editor = editor
        self.current: Popup | None = None
        self._placed: Placed | None = None

    def open(self, popup: Popup) -> None:
        """Show a popup in place of the one before."""
        self.current = popup
        self.redraw()

    def close(self) -> bool:
        """Close the popup; returns whether one was open."""
        if self.current is None:
            return False
        before = self._placed
        self.current = self._placed = None
        self._refresh(before)
        return True

    def redraw(self) -> None:
        """Draw the popup as it is now.

        A list of completions changes with each key: only the rows that it covers, now or before,
        are drawn again, not the whole editor.
        """
        before = self._placed
        self.place()
        self._refresh(before, self._placed)

    def place(self) -> None:
        """Put the popup beside its word, wherever that is on the screen now."""
        editor, popup = self._editor, self.current
        if popup is None or not editor.size:
            return
        region = editor.scrollable_content_region
        size = (region.width, region.height)
        if isinstance(popup, CompletionList):
            at = editor.viewport.cell_of(popup.start)
            at = at - (1, 0)  # the names stand below the word, behind a blank
        else:
            at = editor.viewport.cell_of(editor.model.cursor)
        self._placed = place(popup, at.x, at.y, size, editor.painter.styles)

    def _refresh(self, *popups: Placed | None) -> None:
        editor = self._editor
        for placed in popups:
            if placed is not None:
                editor.refresh(Region(0, placed.y, editor.size.width, len(placed.rows)))

    def over(self, strip: Strip, y: int) -> Strip:
        """Row `y` of the widget with its part of the popup."""
        return strip if self._placed is None else self._placed.over(strip, y)

    def row_at(self, x: int, y: int) -> int | None:
        """Which row of the popup is at a cell of the widget."""
        return None if self._placed is None else self._placed.row_at(x, y)
