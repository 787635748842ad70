"""Theme tokens: their names, and how missing colours are derived from a few.

A value is written as one line of words:

    green                     a base colour, or another meaning, by name
    #7aa2f7                   a colour
    surface 8% text           surface with 8 % of text mixed in
    text on accent 20% panel  a foreground on a background
    violet bold italic        attributes: bold, italic, underline, reverse, strike
    default on red            no foreground of its own, only a background
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from codeexec.tui.theme.colors import Color, farthest, readable

BASE_REQUIRED = ("surface", "text", "accent", "red", "yellow", "green", "cyan", "blue", "violet")
"""What every theme file must give under [base]."""

BASE_COMPLETED: Mapping[str, str] = MappingProxyType(
    {
        "panel": "surface 5% text",
        "muted": "text 42% surface",
        "orange": "red 50% yellow",
        "pink": "red 50% violet",
    }
)
"""Base colours that a theme may leave out, and what they become."""

ATTRIBUTES = frozenset({"bold", "italic", "underline", "reverse", "strike"})

RULES: Mapping[str, str] = MappingProxyType(
    {
        # grounds and text
        "surface": "default on surface",
        "panel": "default on panel",
        "raised": "default on panel 7% text",
        "text": "text",
        "muted": "muted",
        "faint": "muted 45% surface",
        "title": "text bold",
        "accent": "accent",
        "accent.ground": "on-accent on accent",
        "bar": "text on panel",
        "bar.muted": "muted on panel",
        "bar.focused": "accent on panel bold",
        "popup": "text on raised",
        "popup.muted": "muted on raised",
        "popup.current": "on-accent on accent",
        "border": "surface 22% text",
        "border.focused": "accent",
        "ok": "green",
        "warn": "yellow",
        "error": "red",
        "info": "blue",
        "link": "accent underline",
        # where the reader is
        "cursor": "on-accent on accent",
        "cursor.blurred": "default on surface 26% text",
        "cursor.line": "default on surface 5% text",
        "row.current": "default on raised",
        "selection": "default on surface 18% accent",
        "search.match": "default on surface 20% yellow",
        "search.current": "surface on yellow bold",
        "bracket.match": "default on surface 22% text bold",
        "line.number": "muted 25% surface",
        "line.number.current": "text",
        "cell.separator": "accent",
        "cell.current": "accent",
        "indent.guide": "surface 14% text",
        # the life of an execution
        "run.idle": "muted",
        "run.queued": "yellow",
        "run.running": "accent bold",
        "run.ok": "green",
        "run.failed": "red bold",
        "run.cancelled": "orange",
        "run.lost": "violet",
        "run.edited": "orange",
        "run.origin": "violet",
        # what is underlined in the text: problems by their severity
        "problem.error": "error underline",
        "problem.warn": "warn underline",
        "problem.info": "info underline",
        # what a user can do with a program; blue is the binary that was built
        "action.run": "green",
        "action.build": "yellow",
        "action.binary": "blue",
        "action.build_and_run": "violet",
        # what an execution says
        "stream.stdout": "text",
        "stream.stderr": "orange",
        "stream.stdin": "cyan",
        "prompt": "accent bold",
        "result": "text",
        "traceback.error": "red bold",
        "traceback.path": "muted",
        "traceback.function": "syntax.function",
        "traceback.line": "default on surface 14% red",
        "table.header": "text bold",
        "table.index": "muted",
        "table.number": "syntax.number",
        "table.null": "faint italic",
        "json.key": "syntax.function",
        # source code
        "syntax.text": "text",
        "syntax.keyword": "violet",
        "syntax.string": "green",
        "syntax.string.escape": "cyan",
        "syntax.comment": "muted italic",
        "syntax.number": "orange",
        "syntax.function": "blue",
        "syntax.type": "yellow",
        "syntax.operator": "text 30% muted",
        "syntax.variable": "text",
        "syntax.parameter": "text",
        "syntax.property": "cyan",
        "syntax.constant": "orange",
        "syntax.decorator": "pink",
        "syntax.namespace": "text",
        "syntax.builtin": "cyan",
        "syntax.tag": "violet",
        "syntax.heading": "accent bold",
        "syntax.punctuation": "text 40% muted",
        "syntax.error": "red underline",
        # what programs paint with; moved away from the surface where they would vanish on it
        "ansi.0": "surface 45% text",
        "ansi.1": "red",
        "ansi.2": "green",
        "ansi.3": "yellow",
        "ansi.4": "blue",
        "ansi.5": "violet",
        "ansi.6": "cyan",
        "ansi.7": "text 15% surface",
        "ansi.8": "muted",
        "ansi.9": "red 22% text",
        "ansi.10": "green 22% text",
        "ansi.11": "yellow 22% text",
        "ansi.12": "blue 22% text",
        "ansi.13": "violet 22% text",
        "ansi.14": "cyan 22% text",
        "ansi.15": "text",
    }
)
"""Every meaning there is, with the rule that completes it."""

GROUNDS = (
    "surface",
    "panel",
    "raised",
    "row.current",
    "cursor.line",
    "selection",
    "search.match",
    "traceback.line",
)
"""What text is laid on: every text colour is readable on each of these."""

DECORATION = frozenset({"border", "border.focused", "indent.guide", "faint", "table.null"})
"""Drawn rather than read (a null cell says that nothing is there), so held to no contrast."""

ANSI_CONTRAST = 3.0
"""The least contrast of an ANSI colour: a program chose it, so we move it no more than needed."""

HIGH_CONTRAST = 7.0
"""A theme that promises this to text (WCAG AAA) gives ANSI colours what others give text."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Style of a token; `None` keeps the colour underneath."""

    color: Color | None = None
    ground: Color | None = None
    attributes: frozenset[str] = frozenset()


class BadValue(ValueError):
    """Invalid value in a theme, with its key."""

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(f"{key} {fault}")
        self.key = key
        self.fault = fault


def is_text(name: str) -> bool:
    """Whether the token colours readable text (ANSI colours have their own rule)."""
    return name not in DECORATION and name not in GROUNDS and not name.startswith("ansi.")


def ansi_contrast(least: float) -> float:
    """The least contrast of ANSI colours in a theme that gives `least` to text."""
    return 4.5 if least >= HIGH_CONTRAST else ANSI_CONTRAST


def complete(
    base: Mapping[str, str], overrides: Mapping[str, str], least: float
) -> dict[str, Meaning]:
    """Every meaning, from what a theme file says under [base] and [meaning].

    A colour that is not spelled out (`#rrggbb`) in [meaning] is moved toward the text colour until
    its contrast is at least `least` (a WCAG ratio) on every ground. Raises BadValue.
    """
    check_names(base, overrides)
    palette = Palette({**BASE_COMPLETED, **base}, {**RULES, **overrides})
    meanings = {name: palette.meaning(name) for name in RULES}
    grounds = open_grounds(meanings)
    text = palette.color("text", "text")
    for name, meaning in meanings.items():
        if meaning.color is None or overrides.get(name, "").startswith("#"):
            continue
        if name.startswith("ansi."):
            moved = readable(meaning.color, grounds[:1], text, ansi_contrast(least))
        elif is_text(name) and meaning.ground is None:
            moved = readable(meaning.color, grounds, text, least)
        elif is_text(name) and meaning.ground is not None:
            ink = farthest(meaning.ground, (text, *grounds[:1]))
            moved = readable(meaning.color, (meaning.ground,), ink, least)
        else:
            continue
        meanings[name] = Meaning(moved, meaning.ground, meaning.attributes)
    return meanings


def open_grounds(meanings: Mapping[str, Meaning]) -> tuple[Color, ...]:
    """The grounds on which text of any meaning is laid: those without a colour of their own."""
    grounds = (meanings[name] for name in GROUNDS)
    return tuple(
        meaning.ground
        for meaning in grounds
        if meaning.ground is not None and meaning.color is None
    )


def check_names(base: Mapping[str, str], overrides: Mapping[str, str]) -> None:
    """Raise BadValue for a base colour that is missing, and for a name that is none."""
    for name in BASE_REQUIRED:
        if name not in base:
            raise BadValue(f"base.{name}", "is missing")
    for name in base:
        if name not in BASE_REQUIRED and name not in BASE_COMPLETED:
            raise BadValue(f"base.{name}", "is not the name of a base colour")
    for name in overrides:
        if name not in RULES:
            raise BadValue(f"meaning.{name}", "is not the name of a meaning")


class Palette:
    """Names to colours: looked up on need, so that a rule may refer to any other.

    `base` has values of base colours by name, `rules` those of meanings."""

    def __init__(self, base: Mapping[str, str], rules: Mapping[str, str]) -> None:
        self._base = base
        self._rules = rules
        self._open: set[str] = set()
        self._colors: dict[str, Color] = {}

    def meaning(self, name: str) -> Meaning:
        return self._parse(self._rules[name], f"meaning.{name}")

    def color(self, word: str, key: str) -> Color:
        """The colour that a word stands for: a base colour, the colour of a meaning, or hex."""
        if word.startswith("#"):
            try:
                return Color.parse(word)
            except ValueError as fault:
                raise BadValue(key, f"has {fault}") from None
        if word == "on-accent":
            accent = self.color("accent", key)
            inks = (self.color("surface", key), self.color("text", key))
            return farthest(accent, inks)
        if word not in self._colors:
            self._colors[word] = self._look_up(word, key)
        return self._colors[word]

    def _look_up(self, word: str, key: str) -> Color:
        if word in self._open:
            raise BadValue(key, f"refers to {word!r}, which refers back to it")
        self._open.add(word)
        try:
            if word in self._base:
                color = self._parse(self._base[word], f"base.{word}").color
            elif word in self._rules:
                meaning = self.meaning(word)
                color = meaning.color or meaning.ground
            else:
                raise BadValue(key, f"has {word!r}, which is no colour, meaning or attribute")
        finally:
            self._open.discard(word)
        if color is None:
            raise BadValue(key, f"has {word!r}, which has no colour")
        return color

    def _parse(self, value: str, key: str) -> Meaning:
        tokens = value.split()
        attributes = frozenset(word for word in tokens if word in ATTRIBUTES)
        tokens = [word for word in tokens if word not in ATTRIBUTES]
        at = tokens.index("on") if "on" in tokens else len(tokens)
        color = self._mixed(tokens[:at], key)
        ground = self._mixed(tokens[at + 1 :], key)
        if at < len(tokens) and ground is None:
            raise BadValue(key, "has no colour after 'on'")
        return Meaning(color, ground, attributes)

    def _mixed(self, tokens: list[str], key: str) -> Color | None:
        match tokens:
            case [] | ["default"]:
                return None
            case [word]:
                return self.color(word, key)
            case [word, share, other] if _SHARE.fullmatch(share):
                return self.color(word, key).mix(self.color(other, key), int(share[:-1]) / 100)
            case _:
                raise BadValue(key, f"has {' '.join(tokens)!r} where a colour should be")


_SHARE = re.compile(r"(?:\d{1,2}|100)%")
