"""Colour themes: read theme files, complete them, and convert them for Textual and rich.

A theme file is TOML:

    title = "Harbour"
    dark = true
    [base]                       # nine colours are enough
    surface = "#12161f"
    ...
    [meaning]                    # optional: say any meaning yourself
    "run.running" = "accent bold"
    [colors-256]                 # optional: the same for terminals with fewer colours, by number
    surface = 233

`theme_meanings` has the names and the language of the values, `theme_limited` those of the tables
for 256 and 16 colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from rich.style import Style
from textual.theme import Theme as TextualTheme

from codeexec.config.paths import built_in_themes
from codeexec.domain.errors import UsageError
from codeexec.domain.plain_files import read_plain_text
from codeexec.domain.text.parsing import load_toml
from codeexec.tui.theme.color_depth import Depth
from codeexec.tui.theme.colors import Color, contrast
from codeexec.tui.theme.tables import Limited, check_table
from codeexec.tui.theme.textual import variables
from codeexec.tui.theme.tokens import RULES, BadValue, Meaning, complete

DEFAULT = "harbour"
MONOCHROME = "ink"

_KEY = re.compile(r"[a-z0-9][a-z0-9-]*")
_LIMITED: tuple[Limited, ...] = ("256", "16")
_TABLES = frozenset(
    {"title", "dark", "monochrome", "contrast", "base", "meaning"}
    | {f"colors-{depth}" for depth in _LIMITED}
)
_NUMBERED = frozenset(f"colors-{depth}" for depth in _LIMITED)
_AA = 4.5
_LEAST_ON = 4.0


@dataclass(frozen=True)
class Theme:
    """One theme: each token has a colour, a ground and attributes, or is transparent.

    `key` is the file's name without `.toml`; `contrast` the least WCAG ratio of completed text.
    """

    key: str
    title: str
    dark: bool
    monochrome: bool
    contrast: float
    meanings: Mapping[str, Meaning] = field(repr=False)
    depth: Depth = "truecolor"
    rules: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What its file says under [meaning]."""

    tables: Mapping[Depth, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """What its file says under [colors-256] and [colors-16], by depth."""

    def at(self, depth: Depth) -> Theme:
        """The theme in the colours of a terminal; of one that is limited already, itself.

        Raises UsageError for a table of its file that cannot be used."""
        if depth == "truecolor" or depth == self.depth:
            return self
        limited = self._limited.get(depth)
        if limited is None:
            limited = self._limited[depth] = _limited_to(self, depth)
        return limited

    def meaning(self, name: str) -> Meaning:
        """The meaning of that name; KeyError for a name that is in no theme."""
        return self.meanings[name]

    def color(self, name: str) -> str:
        """The colour of a meaning as `#rrggbb`: its foreground, else its ground, else text."""
        meaning = self.meanings[name]
        return (meaning.color or meaning.ground or self._text).hex

    def style(self, name: str) -> Style:
        """The meaning as a rich style, without a background where it has none."""
        text_style = self._styles.get(name)
        if text_style is None:
            meaning = self.meanings[name]
            text_style = self._styles[name] = Style(
                color=meaning.color.hex if meaning.color else None,
                bgcolor=meaning.ground.hex if meaning.ground else None,
                bold=_on("bold", meaning),
                italic=_on("italic", meaning),
                underline=_on("underline", meaning),
                reverse=_on("reverse", meaning),
                strike=_on("strike", meaning),
            )
        return text_style

    def style_on(self, name: str, under: str) -> Style:
        """The meaning as painted on the ground of another: in its own colour where that is
        readable there, else in the other's."""
        key = f"{name} on {under}"
        style = self._styles.get(key)
        if style is None:
            color, ground = self.meanings[name].color, self.meanings[under].ground
            style = self.style(under)
            if color and ground and contrast(color, ground) >= min(self.contrast, _LEAST_ON):
                style += Style(color=color.hex)
            style += self.style(name).without_color
            self._styles[key] = style
        return style

    def styles(self, prefix: str) -> dict[str, Style]:
        """All the styles under a prefix, keyed by what follows it: `styles("syntax.")`."""
        return {
            name.removeprefix(prefix): self.style(name)
            for name in self.meanings
            if name.startswith(prefix)
        }

    @cached_property
    def ansi(self) -> tuple[Color, ...]:
        """The sixteen colours that programs paint with."""
        return tuple(self.meanings[f"ansi.{number}"].color or self._text for number in range(16))

    @cached_property
    def _text(self) -> Color:
        text = self.meanings["text"].color
        assert text is not None, "every theme has a text colour: base.text is required"
        return text

    @cached_property
    def _styles(self) -> dict[str, Style]:
        return {}

    @cached_property
    def _limited(self) -> dict[Depth, Theme]:
        return {}


def built_in_folder() -> Path:
    """Where the themes that we ship are: inside the wheel, or at the top of a source checkout."""
    return built_in_themes()


def load_theme(file: Path) -> Theme:
    """Read one theme file; UsageError names the file, the key and what to do."""
    try:
        table = load_toml(read_plain_text(file))
    except ValueError as fault:
        raise UsageError(f"The theme {file} is not TOML: {fault}.", "Correct that line.") from None
    except OSError as fault:
        raise UsageError(
            f"The theme {file} cannot be read: {fault.strerror}.", "Check its permissions."
        ) from None
    try:
        return _theme_of(file.stem, table)
    except BadValue as fault:
        raise UsageError(
            f"In the theme {file}, {fault.key} {fault.fault}.",
            f"Correct that line, or start from a copy of {built_in_folder() / DEFAULT}.toml.",
        ) from None


class Themes(Mapping[str, Theme]):
    """The themes in some folders by key, each read when it is first asked for: a start needs one
    of them, and all take 25 ms. A later folder's theme replaces an earlier one's; a folder that
    does not exist holds none. A look-up raises UsageError for a bad file."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._files = {
            file.stem: file
            for folder in folders
            if folder.is_dir()
            for file in sorted(folder.glob("*.toml"))
        }
        self._read: dict[str, Theme] = {}

    def __getitem__(self, key: str) -> Theme:
        theme = self._read.get(key)
        if theme is None:
            theme = self._read[key] = load_theme(self._files[key])
        return theme

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def find(self, key: str) -> Theme:
        """The theme of that key; UsageError says which there are where there is none."""
        if key not in self._files:
            keys = ", ".join(sorted(self._files))
            raise UsageError(f"There is no theme {key!r}.", f"Choose one of {keys}.")
        return self[key]


def load_themes(folders: Iterable[Path]) -> dict[str, Theme]:
    """Every theme in the folders, read at once. Raises UsageError for the first bad file."""
    return dict(Themes(folders))


def find_theme(key: str, folders: Iterable[Path]) -> Theme:
    """Read the one theme that is wanted, without reading the others."""
    return Themes(folders).find(key)


def preferred_theme(environ: Mapping[str, str], chosen: str | None = None) -> str:
    """The key to start with: what was chosen, but never colours against NO_COLOR.

    https://no-color.org: set and not empty means no colour unless the person configured one.
    """
    if chosen is not None:
        return chosen
    return MONOCHROME if environ.get("NO_COLOR") else DEFAULT


def to_textual(theme: Theme) -> TextualTheme:
    """The theme as Textual takes it, with a CSS variable for every meaning.

    `run.running` is `$run-running`; a meaning with a background also has `$selection-ground`, and
    one with attributes `$run-running-style`.
    """
    return TextualTheme(
        name=theme.key if theme.depth == "truecolor" else f"{theme.key}-{theme.depth}",
        primary=theme.color("accent"),
        secondary=theme.color("info"),
        warning=theme.color("warn"),
        error=theme.color("error"),
        success=theme.color("ok"),
        accent=theme.color("accent"),
        foreground=theme.color("text"),
        background=theme.color("surface"),
        surface=theme.color("surface"),
        panel=theme.color("panel"),
        dark=theme.dark,
        variables=variables(theme.meanings),
    )


def _on(attribute: str, meaning: Meaning) -> bool | None:
    return True if attribute in meaning.attributes else None


def _theme_of(key: str, table: Mapping[str, object]) -> Theme:
    if not _KEY.fullmatch(key):
        raise BadValue("the file name", "must be lower-case letters, digits and dashes")
    for name in table:
        if name not in _TABLES:
            raise BadValue(name, "is not part of a theme")
    title = table.get("title", key.replace("-", " ").capitalize())
    dark = table.get("dark", True)
    monochrome = table.get("monochrome", False)
    least = table.get("contrast", _AA)
    if not isinstance(title, str):
        raise BadValue("title", "must be text")
    if not isinstance(dark, bool):
        raise BadValue("dark", "must be true or false")
    if not isinstance(monochrome, bool):
        raise BadValue("monochrome", "must be true or false")
    if not isinstance(least, int | float) or not 1 <= least <= 21:
        raise BadValue("contrast", "must be a ratio from 1 to 21")
    rules = _words(table, "meaning")
    meanings = complete(_words(table, "base"), rules, float(least))
    tables: dict[Depth, Mapping[str, str]] = {}
    for depth in _LIMITED:
        tables[depth] = _words(table, f"colors-{depth}")
        check_table(tables[depth], depth)
    return Theme(
        *(key, title, dark, monochrome, float(least), MappingProxyType(meanings)),
        rules=rules,
        tables=tables,
    )


def _limited_to(theme: Theme, depth: Limited) -> Theme:
    from codeexec.tui.theme.limited import complete_limited  # not where there is true colour

    meanings = complete_limited(
        *(theme.tables.get(depth, {}), theme.rules, theme.meanings, depth, theme.contrast),
        dark=theme.dark,
        monochrome=theme.monochrome,
    )
    return replace(theme, depth=depth, meanings=MappingProxyType(meanings))


def _words(table: Mapping[str, object], name: str) -> dict[str, str]:
    """A table of strings; dotted keys may be written bare (`run.ok = ...`) or quoted."""
    strings: dict[str, str] = {}

    def flatten(value: object, path: str) -> None:
        if isinstance(value, str):
            strings[path] = value
        elif isinstance(value, int) and not isinstance(value, bool) and name in _NUMBERED:
            strings[path] = str(value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                flatten(inner, f"{path}.{key}" if path else str(key))
        else:
            raise BadValue(f"{name}.{path}", f"must be text, not {type(value).__name__}")

    inner = table.get(name, {})
    if not isinstance(inner, dict):
        raise BadValue(name, "must be a table")
    flatten(inner, "")
    return strings


def names() -> tuple[str, ...]:
    """Every meaning there is, for help and for the settings screen."""
    return tuple(RULES)
