"""Side panes: imported and mounted after the first frame is on screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.widget import Widget

from codeexec.client.api import SessionClient
from codeexec.tui.graphics.probe import Graphics

if TYPE_CHECKING:
    from codeexec.tui.panes.artifacts.pane import ArtifactPane
    from codeexec.tui.panes.documents.pane import DocumentsPane
    from codeexec.tui.panes.files import FilesPane
    from codeexec.tui.panes.outline import OutlinePane
    from codeexec.tui.panes.variables import VariablesPane


@dataclass(frozen=True, slots=True)
class Side:
    """The panes at the sides."""

    files: FilesPane
    artifacts: ArtifactPane
    variables: VariablesPane
    outline: OutlinePane

    @property
    def panes(self) -> dict[str, Widget]:
        return {
            "files": self.files,
            "outline": self.outline,
            "artifacts": self.artifacts,
            "variables": self.variables,
        }

    def pane(self, name: str) -> Widget:
        return self.panes[name]

    def focus(self, name: str) -> None:
        """Give a pane the keys."""
        match name:
            case "artifacts":
                self.artifacts.take_focus()
            case "variables":
                self.variables.take_focus()
            case "outline":
                self.outline.take_focus()
            case _:
                self.files.focus()


def _load() -> None:
    """Imports, which in a thread leave the keyboard alone."""
    import codeexec.tui.panes.artifacts.pane
    import codeexec.tui.panes.files
    import codeexec.tui.panes.outline
    import codeexec.tui.panes.variables  # noqa: F401


async def furnish(
    screen: Screen[None],
    folder: Path,
    session: SessionClient,
    graphics: Graphics,
    documents: DocumentsPane,
) -> Side | None:
    """Put the panes in their boxes; None where the person has left meanwhile."""
    await asyncio.to_thread(_load)
    from codeexec.tui.panes.artifacts.pane import ArtifactPane
    from codeexec.tui.panes.files import FilesPane
    from codeexec.tui.panes.outline import OutlinePane
    from codeexec.tui.panes.variables import VariablesPane

    side = Side(
        FilesPane(folder),
        ArtifactPane(session, graphics, id="artifacts"),
        VariablesPane(session, id="variables"),
        OutlinePane(lambda: documents.sheet, id="outline"),
    )
    panes = side.panes
    boxes = {name: screen.query(f"#{name}-box") for name in panes}
    if not all(boxes.values()):
        return None
    # One layout and one frame for all of them, or keys would wait for four of each, 0.1 s.
    with screen.app.batch_update():
        # All of them before anything is waited for: the boxes may be gone after that.
        for mounted in [boxes[name].first().mount(pane) for name, pane in panes.items()]:
            await mounted
    return side
