"""Command and PaneMenu: rows of the command table and of context menus. Imports no own module."""

from __future__ import annotations

from dataclasses import dataclass

_COMMON = frozenset(
    {"left", "right", "up", "down", "home", "end", "line_end", "page_up", "page_down", "newline"}
    | {"delete_left", "delete_right", "copy", "paste", "cut"}
    | {"next", "previous", "first", "last"}
)
_SELECTS = ("select_all", "select_line")
_SMALL = frozenset(
    {"word_left", "word_right", "text_start", "text_end", "scroll_up", "scroll_down", "dismiss"}
    | {"line_below", "delete_word_left", "delete_word_right", "delete_to_line_end"}
)
"""What is done by keys or not at all."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `where` is the scope in which its keys work: `anywhere` in the workbench, a pane,
    a part that panes and screens share, or a screen.

    `action` is a call such as `go('files')`: of an action of the workbench's controllers where
    the scope is `anywhere` (`tui/workbench/dispatch.py`), else a Textual action of the widget with
    that scope. `keys` are the defaults.
    """

    id: str
    title: str
    where: str
    action: str
    keys: str = ""
    about: str = ""
    priority: bool = False

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]

    @property
    def is_small(self) -> bool:
        """Whether the command ranks low in a list of commands: it is rarely searched for."""
        return self.goes_without_saying or self.id.partition(".")[2] in _SMALL

    @property
    def goes_without_saying(self) -> bool:
        """Whether its keys are standard for every text field or list, so that listing it adds
        nothing."""
        name = self.id.partition(".")[2]
        if self.where == "anywhere":
            return False  # the next problem is not the next row
        return name in _COMMON or (name.startswith("select_") and name not in _SELECTS)


@dataclass(frozen=True, slots=True)
class PaneMenu:
    """Context menu of a pane: ids of the commands for Cut, Copy and Paste, empty for those that
    mean nothing there, then ids of other commands."""

    clipboard: tuple[str, str, str] = ("", "", "")
    commands: tuple[str, ...] = ()
