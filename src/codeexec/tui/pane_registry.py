"""Registry of panes: name, title, place and folder of each, in the order of tabs and lists.

A new pane is one folder and one line of `PANES`. The folder is a package with two modules:
`commands` has `COMMANDS`, with a command that goes to the pane (`go('NAME')`), and may have `MENUS`
(`tui/commands/command.py`); `pane` has `build(context)`, which makes the pane
(`tui/panes/pane.py: Pane`). Imports nothing that takes time: the first frame shows the titles.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Place = Literal["left", "centre", "side"]

DOCUMENT_VIEW = "codeexec.tui.panes.documents.document_view"
"""Module that shows a document in the editor pane; imported for the first document."""


class PaneEntry(NamedTuple):
    """Line of the registry. `place` is a column of the screen; `package` is the pane's folder as a
    module. Editor and console are built at the start, panes that are `late` after the first
    frame."""

    name: str
    title: str
    place: Place
    package: str
    title_id: str = ""
    """Widget that shows the title, if the pane brings its own."""

    late: bool = True

    starts_empty: bool = False
    """Whether it has a tab only in front, until there is something in it."""

    @property
    def title_widget(self) -> str:
        """Id of the widget that shows the title."""
        return self.title_id or f"{self.name}-title"


PANES: tuple[PaneEntry, ...] = (
    PaneEntry(
        "editor", "Editor", "centre", "codeexec.tui.panes.documents", "editor-tabs", late=False
    ),
    PaneEntry("console", "Console", "centre", "codeexec.tui.panes.console", late=False),
    PaneEntry(
        "terminal",
        "Terminal",
        "centre",
        "codeexec.tui.panes.terminal",
        "terminal-tabs",
        starts_empty=True,
    ),
    PaneEntry("artifacts", "Artifacts", "side", "codeexec.tui.panes.artifacts"),
    PaneEntry("variables", "Variables", "side", "codeexec.tui.panes.variables"),
    PaneEntry("files", "Files", "left", "codeexec.tui.panes.files"),
    PaneEntry("outline", "Outline", "left", "codeexec.tui.panes.outline"),
)


def panes() -> tuple[PaneEntry, ...]:
    """All registered panes."""
    return PANES


def pane_names() -> tuple[str, ...]:
    return tuple(entry.name for entry in PANES)


def pane_titles() -> dict[str, str]:
    """Titles by name, in the order of the tabs."""
    return {entry.name: entry.title for entry in PANES}


def tab_titles() -> tuple[str, ...]:
    """Titles of the tabs at the start, on a small terminal."""
    return tuple(entry.title for entry in PANES if not entry.starts_empty)


def panes_at(place: Place) -> tuple[PaneEntry, ...]:
    """Panes of a column, from top to bottom."""
    return tuple(entry for entry in PANES if entry.place == place)


def place_of(name: str) -> Place:
    """The column of a pane; the centre for a name that is not registered."""
    return next((entry.place for entry in PANES if entry.name == name), "centre")
