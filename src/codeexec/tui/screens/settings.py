"""Settings screen: shows each setting with its origin, and writes changes to the user's file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, get_args, get_origin

from textual.binding import BindingType
from textual.message import Message

from codeexec.config.docs import section_docs
from codeexec.config.keys import Key, keys, to_toml, value_of
from codeexec.config.load import Loaded, Origin, SettingProblem, load, user_file
from codeexec.domain.errors import CodeexecError
from codeexec.tui.commands.table import bindings
from codeexec.tui.render.plain import home_path, padded
from codeexec.tui.screens.picker import HeadingRow, Picker, spread
from codeexec.tui.screens.user_file import change
from codeexec.tui.theme.theme import preferred_theme
from codeexec.tui.widgets.dialogs import Asker, Choice, Chooser
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import ListRow, Pieces

_LAYERS = {
    "flag": "command line",
    "environment": "environment",
    "project": "project",
    "user": "you",
    "default": "",
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """Row of a setting and its value; values other than the default stand out."""

    key: Key
    value: object
    origin: Origin
    problem: SettingProblem | None = None

    @property
    def name(self) -> str:
        return self.key.name.partition(".")[2]

    def pieces(self, width: int) -> Pieces:
        is_said = self.origin.layer != "default"
        name = padded(self.name.replace("_", " "), min(22, max(width // 3, 8)))
        label: Pieces = [
            ("✗ " if self.problem else "• " if is_said else "  ", self._ink),
            (f"{name}  ", "text"),
            (value_words(self.key, self.value), "accent" if is_said else "muted"),
        ]
        return spread(label, [(_LAYERS[self.origin.layer], "muted")], width)

    @property
    def _ink(self) -> Literal["error", "accent"]:
        return "error" if self.problem else "accent"


def shown_value(value: object) -> str:
    """As people write it: `on` and `off`, numbers grouped, text as it is."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:,.10g}".replace(",", " ") if value < 1e15 else f"{value:g}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    return str(value)


_EMPTY = {
    "appearance.cell_size": "asked from the terminal",
    "kernel.name": "found from the folder",
    "docker.context": "the engine's current one",
    "docker.image": "our own image",
}
"""What counts where a setting of text is empty; of a container else what the policy says."""


def value_words(key: Key, value: object) -> str:
    """The value as people write it; what counts in its place where it is empty."""
    if value != "":
        return shown_value(value)
    if key.name == "appearance.theme":
        return f"{preferred_theme(os.environ)} (default)"
    return _EMPTY.get(key.name, "by the policy" if key.name.startswith("docker.") else "not set")


class SettingsScreen(Picker[None]):
    """Settings list. Changes are written at once; each posts a `SettingChanged`."""

    typing: ClassVar[bool] = False
    placeholder: ClassVar[str] = "part of a name, or of what it is about"
    word_rows: ClassVar[int] = 5

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("settings")]

    @dataclass
    class SettingChanged(Message):
        """A setting was changed; `loaded` are the effective settings."""

        name: str
        loaded: Loaded

    def __init__(
        self,
        cwd: Path,
        flags: Mapping[str, object],
        choices: Mapping[str, Sequence[str]] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`flags` are what the command line said; `choices` offers values for keys that take
        any text, such as `appearance.theme`."""
        super().__init__("Settings")
        self._cwd = cwd
        self._flags = dict(flags)
        self._offered = dict(choices or {})
        self._environ = environ
        self._file = user_file(environ)
        self._only_changed = False
        self._loaded = self._load()

    def _load(self) -> Loaded:
        return load(self._cwd, self._flags, self._environ)

    def begin(self) -> None:
        self._fill()

    # -- rows ------------------------------------------------------------------------------------

    @property
    def _row(self) -> SettingRow | None:
        rows = self.list.rows
        row = rows[self.list.cursor] if rows else None
        return row if isinstance(row, SettingRow) else None

    def _fill(self) -> None:
        tokens = self.field.value.casefold().split()
        problems = {problem.key: problem for problem in self._loaded.problems}
        docs, section = section_docs(), ""
        rows: list[ListRow] = []
        for key in keys():
            origin = self._loaded.origins[key.name]
            about = f"{key.name} {key.name.replace('_', ' ')} {key.doc}".casefold()
            if not all(word in about for word in tokens):
                continue
            if self._only_changed and origin.layer == "default" and key.name not in problems:
                continue
            table = key.name.partition(".")[0]
            if table != section:
                section = table
                rows.append(HeadingRow(table.capitalize(), docs[table].rstrip(".")))
            value = value_of(self._loaded.settings, key.name)
            rows.append(SettingRow(key, value, origin, problems.get(key.name)))
        chosen = self._row.key.name if self._row is not None else ""
        names = [row.key.name if isinstance(row, SettingRow) else "" for row in rows]
        self.show(rows, names.index(chosen) if chosen in names else 0)
        self._tell()

    def _tell(self) -> None:
        row = self._row
        if row is None:
            self.say("Nothing fits." if self.field.value else "All is as by default.")
        elif row.problem is not None:
            self.say(f"{row.problem}\n{row.problem.next_step}", "error")
        else:
            place = f"\nsaid by {row.origin.place}" if row.origin.place else ""
            by_default = value_words(row.key, row.key.default).removesuffix(" (default)")
            self.say(f"{row.key.doc}\n{row.key.accepts}; default: {by_default}{place}")
        stray = [problem for problem in self._loaded.problems if problem.key not in _known()]
        self.title_words(
            f"Settings  ·  {stray[0]}" if stray else f"Settings  ·  {home_path(str(self._file))}"
        )

    def hints(self) -> Sequence[Hint]:
        return (
            Hint("enter", "change", "choose"),
            Hint("r", "reset", "reset"),
            Hint("c", "only changed", "only_changed"),
            Hint("/", "search", "search"),
            Hint("esc", "close", "leave"),
        )

    def narrow(self, typed: str) -> None:
        self._fill()

    def moved(self, at: int) -> None:
        self._tell()

    def action_only_changed(self) -> None:
        self._only_changed = not self._only_changed
        self._fill()

    # -- changing -------------------------------------------------------------------------------

    def choose(self, at: int) -> None:
        row = self._row
        if row is not None:
            self.run_worker(self._change(row), group="change", exclusive=True)

    async def _change(self, row: SettingRow) -> None:
        key, value = row.key, row.value
        offered = get_args(key.type) if get_origin(key.type) is Literal else ()
        offered = offered or tuple(self._offered.get(key.name, ()))
        if key.type is bool:
            await self._write(key, not value)
        elif offered:
            choices = [Choice(str(option), value_words(key, option)) for option in offered]
            title = key.name.replace("_", " ").replace(".", ": ")
            chosen = await self.app.push_screen_wait(Chooser(title, choices, current=str(value)))
            if chosen is not None and chosen != value:
                await self._write(key, chosen)
        else:
            await self._ask(key, value)

    async def _ask(self, key: Key, value: object) -> None:
        plain = "" if value == "" else to_toml(value).strip('"')
        hint = key.accepts
        while (typed := await self.app.push_screen_wait(Asker(key.doc, plain, hint))) is not None:
            try:
                new_value = _parsed(key, typed)
            except ValueError:
                plain, hint = typed, f"{typed!r} is not {key.accepts}."
            else:
                await self._write(key, new_value)
                return

    def action_reset(self) -> None:
        row = self._row
        if row is not None and row.origin.layer == "default" and row.problem is None:
            self.say("It is as by default.")
        elif row is not None:
            self.run_worker(self._write(row.key, None), group="change", exclusive=True)

    async def _write(self, key: Key, value: object) -> None:
        """Write to the user's file; warn if a file of higher precedence overrides it."""
        try:
            await asyncio.to_thread(change, self._file, key, value)
        except CodeexecError as error:
            self.say(str(error), "error")
            return
        self._loaded = self._load()
        self._fill()
        origin = self._loaded.origins[key.name]
        if origin.layer not in ("user", "default"):
            message = f"Written, but the {_LAYERS[origin.layer]} says otherwise and counts more:"
            self.say(f"{message}\n{origin.place}", "warn")
        self.post_message(self.SettingChanged(key.name, self._loaded))


def _parsed(key: Key, typed: str) -> object:
    """The typed text as a value of the setting; ValueError where it is none."""
    if key.type is str:
        return typed
    number = float(typed.replace(" ", ""))
    if not 0 <= number < float("inf"):
        raise ValueError
    return int(typed.replace(" ", "")) if key.type is int else number


def _known() -> frozenset[str]:
    return frozenset(key.name for key in keys())
