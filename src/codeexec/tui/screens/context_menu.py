"""Context menu: Cut, Copy and Paste first, then the commands of the pane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Offset
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from codeexec.tui.commands.command import PaneMenu
from codeexec.tui.commands.keymap import Keymap, named_keys
from codeexec.tui.commands.table import BY_ID, bindings
from codeexec.tui.widgets.modal import Modal

_NOTHING_OPEN = ("file.open", "file.new", "file.reopen")
"""In the editor pane while no document is open."""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """Row of the menu: the id of its command, empty if it cannot be chosen."""

    command: str
    title: str


def entries(scope: str, menu: PaneMenu, *, is_open: bool = True) -> list[MenuEntry]:
    """The rows of a scope with that menu; `is_open` says whether the editor shows a document."""
    if scope == "editor" and not is_open:
        menu = PaneMenu(commands=_NOTHING_OPEN)
    rows = [
        MenuEntry(command, title)
        for command, title in zip(menu.clipboard, ("Cut", "Copy", "Paste"), strict=True)
    ]
    rows += [MenuEntry(command, BY_ID[command].title) for command in menu.commands]
    return [*rows, MenuEntry("app.menu", "All commands of this pane…")]


class ContextMenu(Modal[str | None]):
    """Dismissed with the id of the chosen command."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("list")]

    DEFAULT_CSS = """
    ContextMenu { background: transparent; }
    ContextMenu > Vertical {
        width: auto; height: auto; background: $raised-ground;
    }
    ContextMenu OptionList, ContextMenu OptionList:focus {
        width: auto; height: auto; max-height: 100%; border: none; padding: 0 1;
        background: $raised-ground; scrollbar-size-vertical: 1;
    }
    ContextMenu OptionList > .option-list--option-highlighted {
        background: $selection-ground; color: $text;
    }
    """

    def __init__(self, rows: Sequence[MenuEntry], keymap: Keymap, at: Offset) -> None:
        super().__init__()
        self._rows = list(rows)
        self._keymap = keymap
        self._at = at

    def compose(self) -> ComposeResult:
        with Vertical():
            yield OptionList(*self._options())

    def _options(self) -> list[Option]:
        keys = [self._key(row.command) for row in self._rows]
        titles = max(cell_len(row.title) for row in self._rows)
        widest = max(map(cell_len, keys))
        options = []
        for row, key in zip(self._rows, keys, strict=True):
            gap = " " * (titles - cell_len(row.title) + 3)
            text = Text.assemble(row.title, gap, (key.rjust(widest), "dim"), no_wrap=True)
            options.append(Option(text, disabled=not row.command))
        return options

    def _key(self, command: str) -> str:
        if not command or not self._keymap.of(BY_ID[command]):
            return ""
        return named_keys(f"{{{command}}}", self._keymap.keys)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = next(at for at, row in enumerate(self._rows) if row.command)
        options.focus()
        self._put()

    def on_resize(self) -> None:
        self._put()

    def _put(self) -> None:
        """At the pointer; where there is no room, so far to the left and up that all is seen."""
        lines = self.query_one(OptionList).options
        width = max(cell_len(str(option.prompt)) for option in lines) + 2
        column = max(min(self._at.x, self.size.width - width), 0)
        top = self._at.y + 1
        if top + len(lines) > self.size.height:
            top = self._at.y - len(lines)
        top = max(min(top, self.size.height - len(lines)), 0)
        self.query_one(Vertical).styles.offset = (column, top)

    def action_step(self, by: int) -> None:
        options = self.query_one(OptionList)
        (options.action_cursor_down if by > 0 else options.action_cursor_up)()

    def action_choose(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None and self._rows[at].command:
            self.dismiss(self._rows[at].command)

    @on(OptionList.OptionSelected)
    def click(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._rows[event.option_index].command)

    def action_leave(self) -> None:
        self.dismiss(None)
