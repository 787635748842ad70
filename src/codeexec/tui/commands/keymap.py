"""Keymaps: defaults of the command table, overridden by a named keymap and the user's file.

A keymap is TOML. Each line of its table `[keys]` gives a command the keys that it has from now
on, separated by commas; an empty string takes all of them away:

    [keys]
    "kernel.interrupt" = "f9,ctrl+backslash"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_toml
from codeexec.tui.commands.command import Command
from codeexec.tui.commands.table import APART, BY_ID, COMMANDS, SWALLOWED

_WORDS = {
    "slash": "/",
    "full_stop": ".",
    "comma": ",",
    "colon": ":",
    "semicolon": ";",
    "equals_sign": "=",
    "minus": "-",
    "apostrophe": "'",
    "underscore": "_",
    "backslash": "\\",
    "question_mark": "?",
    "exclamation_mark": "!",
    "plus": "+",
    "asterisk": "*",
    "number_sign": "#",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "at": "@",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "backspace": "Backspace",
    "delete": "Del",
    "insert": "Ins",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "home": "Home",
    "end": "End",
}


@dataclass(frozen=True, slots=True)
class KeymapProblem:
    """Problem of a keymap; `file` is the keymap file, if it has one."""

    message: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" if self.file else self.message


@dataclass(frozen=True, slots=True)
class Keymap:
    """Keys by command id, for commands that differ from the table, and problems of the files."""

    keys: Mapping[str, str]
    problems: tuple[KeymapProblem, ...] = ()

    def of(self, command: Command) -> str:
        return self.keys.get(command.id, command.keys)


def key_words(keys: str) -> str:
    """Keys as people write them: `ctrl+enter,f5` is `Ctrl+Enter  F5`."""
    labels = []
    for key in keys.split(","):
        *modifiers, last = key.split("+")
        word = _WORDS.get(last, last.upper() if len(last) > 1 or modifiers else last)
        labels.append("+".join([*(modifier.capitalize() for modifier in modifiers), word]))
    return "  ".join(labels)


def named_keys(text: str, keys: Mapping[str, str]) -> str:
    """Words in which `{file.open}` stands for the first key of that command that every terminal
    delivers; `keys` are those that differ from the table."""

    def key_of(name: re.Match[str]) -> str:
        mine = keys.get(name[1], BY_ID[name[1]].keys).split(",")
        return key_words(next((key for key in mine if key not in SWALLOWED), mine[0]))

    return re.sub(r"\{([a-z_.]+)\}", key_of, text)


def built_in(name: str) -> Path:
    """The file of a keymap that we ship."""
    return Path(__file__).parent / "keymaps" / f"{name}.toml"


def load(name: str, user_folder: Path | None = None) -> Keymap:
    """The keymap `name`, with the person's `keymaps/NAME.toml` and `keymaps/keys.toml` over it."""
    files = [built_in(name)]
    if user_folder is not None:
        files += [user_folder / "keymaps" / f"{name}.toml", user_folder / "keymaps" / "keys.toml"]
    keys: dict[str, str] = {}
    problems: list[KeymapProblem] = []
    for file in files:
        for command_id, value in _read(file, problems):
            if command_id in BY_ID:
                keys[command_id] = value
            else:
                problems.append(KeymapProblem(f"there is no command {command_id!r}.", str(file)))
    problems += [KeymapProblem(message) for message in clashes(keys)]
    return Keymap(keys, tuple(problems))


def _read(file: Path, problems: list[KeymapProblem]) -> Iterable[tuple[str, str]]:
    try:
        table = load_toml(read_plain_text(file)).get("keys", {})
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        problems.append(KeymapProblem(f"it cannot be read: {reason}.", str(file)))
        return
    if not isinstance(table, dict):
        problems.append(KeymapProblem("[keys] must be a table.", str(file)))
        return
    for command_id, value in _flat(table):
        if isinstance(value, str):
            yield command_id, value.replace(" ", "")
        else:
            problems.append(KeymapProblem(f"{command_id} must be text.", str(file)))


def _flat(table: Mapping[str, object], above: str = "") -> Iterable[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def clashes(keys: Mapping[str, str]) -> list[str]:
    """Keys that two commands of one place have, in words; a pane's own key wins over one that
    works anywhere, so that a clash of the two is one as well."""
    messages: list[str] = []
    owners: dict[tuple[str, str], str] = {}
    anywhere = {
        key: command.id
        for command in COMMANDS
        if command.where == "anywhere"
        for key in _keys(command, keys)
    }
    for command in COMMANDS:
        for key in _keys(command, keys):
            other = owners.setdefault((command.where, key), command.id)
            if other == command.id and command.where not in ("anywhere", *APART):
                other = anywhere.get(key, command.id)
            if other != command.id:
                messages.append(f"{key_words(key)} is both {other} and {command.id}.")
    return messages


def _keys(command: Command, keys: Mapping[str, str]) -> list[str]:
    return [key for key in keys.get(command.id, command.keys).split(",") if key]


def unreachable(keys: Mapping[str, str]) -> list[str]:
    """Ids of commands that some terminals make unreachable: the terminal swallows all their keys,
    and the palette does not offer them (commands that move or select, or of special screens)."""
    return [
        command.id
        for command in COMMANDS
        if (mine := _keys(command, keys))
        and all(key in SWALLOWED for key in mine)
        and (command.goes_without_saying or command.where in APART)
    ]
