"""Actions on the selected artifact, in the pane and in the full-screen viewer."""

from __future__ import annotations

from textual.widget import Widget

from codeexec.tui.panes.artifacts.items import Item
from codeexec.tui.panes.artifacts.store import ArtifactStore


class ItemActions(Widget):
    """Actions by the names in the table of commands."""

    store: ArtifactStore

    @property
    def selected(self) -> Item | None:
        """The item that is looked at."""
        raise NotImplementedError

    def action_save(self) -> None:
        if item := self.selected:
            self.run_worker(self.store.save(item), group="content")

    def action_copy(self) -> None:
        if item := self.selected:
            self.run_worker(self.store.copy(item), group="content")

    def action_copy_path(self) -> None:
        if item := self.selected:
            self.run_worker(self.store.copy_path(item), group="content")

    def action_outside(self) -> None:
        if item := self.selected:
            self.run_worker(self.store.open_outside(item), group="content")
