"""Key page (F1): keys of the current scopes, then all others; searchable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import BindingType

from codeexec.tui.commands.command import Command
from codeexec.tui.commands.keymap import key_words
from codeexec.tui.commands.scopes import is_apart
from codeexec.tui.commands.table import BY_ID, COMMANDS, bindings, scope_title
from codeexec.tui.render.plain import fitted, padded
from codeexec.tui.screens.picker import HeadingRow, Picker
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import ListRow, Pieces

FIRST = ("file.open", "file.new", "run.cell", "file.save", "pane.other", "app.palette", "app.quit")
"""Commands whose keys begin the page of the workbench, so that they are seen in 24 lines."""

_SHOWN_KEYS = 2
_WIDEST_KEYS = 22


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A command with its keys in a column that is `column` cells wide."""

    command: Command
    keys: str
    column: int

    def pieces(self, width: int) -> Pieces:
        title = fitted(self.command.title, max(width - self.column - 2, 1))
        return [(padded(self.keys, self.column), "accent"), ("  ", "text"), (title, "text")]


def page(keys: Mapping[str, str], places: Sequence[str], search: str = "") -> list[ListRow]:
    """The commands of some places that have keys, below a heading each; of a search those that
    have all its words in their title or their keys. Commands without a key are in the palette."""
    tokens = search.casefold().split()
    sections: list[tuple[str, list[tuple[Command, str]]]] = []
    if not tokens and not is_apart(places):
        sections.append(("First of all", _with_keys([BY_ID[name] for name in FIRST], keys)))
    for place in places:
        commands = [
            candidate
            for candidate in COMMANDS
            if candidate.where == place and not candidate.goes_without_saying
        ]
        rows = _with_keys(sorted(commands, key=lambda candidate: candidate.group != "run"), keys)
        fitting = [
            (command, key_label)
            for command, key_label in rows
            if all(word in f"{command.title} {key_label}".casefold() for word in tokens)
        ]
        sections.append((scope_title(place), fitting))
    widths = [cell_len(key_label) for _, rows in sections for _, key_label in rows]
    column = min(max(widths, default=0), _WIDEST_KEYS)
    made: list[ListRow] = []
    for title, rows in sections:
        if rows:
            made.append(HeadingRow(title))
            made += [KeyRow(command, key_label, column) for command, key_label in rows]
    return made


def _with_keys(commands: Sequence[Command], keys: Mapping[str, str]) -> list[tuple[Command, str]]:
    named = []
    for command in commands:
        own = keys.get(command.id, command.keys).split(",")[:_SHOWN_KEYS]
        if own[0]:
            named.append((command, key_words(",".join(own))))
    return named


class KeysScreen(Picker[str | None]):
    """Answers with the id of the command that was chosen, which is done then."""

    typing: ClassVar[bool] = False
    placeholder: ClassVar[str] = "what it does, or a key"

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("keys")]

    def __init__(self, keys: Mapping[str, str], places: Sequence[str]) -> None:
        """`keys` are those that differ from the table, `places` in the order of the page."""
        super().__init__("Keys")
        self._keys = keys
        self._places = places

    def hints(self) -> Sequence[Hint]:
        return (
            Hint("enter", "do it", "choose"),
            Hint("/", "search", "search"),
            Hint("esc", "close", "leave"),
        )

    def begin(self) -> None:
        self.narrow("")

    def narrow(self, typed: str) -> None:
        rows = page(self._keys, self._places, typed)
        self.show(rows)
        self.say("" if rows else "Nothing fits.")

    def choose(self, at: int) -> None:
        row = self.list.rows[at]
        if isinstance(row, KeyRow):
            self.dismiss(row.command.id)
