"""Row list in which one click chooses, as in menus and trees."""

from __future__ import annotations

from textual import events

from codeexec.tui.widgets.row_list import RowList


class ClickRows(RowList):
    """`RowChosen` comes with the first click, not with the second."""

    def on_click(self, event: events.Click) -> None:
        event.prevent_default()
        at = event.y + self.scroll_offset.y
        if at < len(self.rows):
            self.go(at)
            if event.chain == 1 and event.button == 1:
                self.post_message(self.RowChosen(self, at))
