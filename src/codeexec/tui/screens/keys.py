"""The page of keys: what each does where one is, then everywhere; printed from the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from codeexec.tui.commands import COMMANDS, PLACES, Where, bindings
from codeexec.tui.keymap import key_words
from codeexec.tui.screens.modal import Modal
from codeexec.tui.theme import Theme


def page(theme: Theme, keys: Mapping[str, str], places: Sequence[Where]) -> Text:
    """The commands of some places with their keys; those without a key are in the palette."""
    text = Text()
    for place in places:
        rows = [
            (keys.get(command.id, command.keys), command.title)
            for command in sorted(COMMANDS, key=lambda command: command.group != "run")
            if command.where == place and not command.goes_without_saying
        ]
        rows = [(key_words(",".join(key.split(",")[:2])), title) for key, title in rows if key]
        if not rows:
            continue
        text.append(f"{PLACES[place]}\n", theme.style("title"))
        for key, title in rows:
            text.append(f"  {key:<30.30} ", theme.style("accent"))
            text.append(f"{title}\n", theme.style("text"))
        text.append("\n")
    return text


class KeysScreen(Modal[None]):
    """F1."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("keys")]

    DEFAULT_CSS = """
    KeysScreen { align: center middle; background: $surface 55%; }
    KeysScreen > Vertical {
        width: 78; max-width: 96%; height: 90%; padding: 1 2; background: $raised;
    }
    KeysScreen VerticalScroll { scrollbar-size-vertical: 1; }
    """

    def __init__(self, theme: Theme, keys: Mapping[str, str], places: Sequence[Where]) -> None:
        """`places` in the order of the page."""
        super().__init__()
        self._theme = theme
        self._keys = keys
        self._places = places

    def compose(self) -> ComposeResult:
        with Vertical():
            with VerticalScroll():
                yield Static(page(self._theme, self._keys, self._places))

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_leave(self) -> None:
        self.dismiss(None)
