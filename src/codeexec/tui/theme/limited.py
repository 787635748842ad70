"""Themes in 256 and 16 colours: from the theme file, else the nearest readable colour.

A theme file says them by number, in tables of their own:

    [colors-256]
    surface = 233              # the base colours, and those of EXTRA
    red = 210
    "run.ok" = "114 bold"      # any meaning, on its own or `on` a ground

A table that is missing is made from the theme's true colours (256), or from what suits any dark,
light or monochrome theme (16).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from codeexec.tui.theme.colors import Color, contrast, farthest
from codeexec.tui.theme.palette import color_of, nearest, nearest_first, numbers
from codeexec.tui.theme.tables import EXTRA, NUMBER, Limited, Table
from codeexec.tui.theme.tokens import (
    BASE_COMPLETED,
    BASE_REQUIRED,
    RULES,
    BadValue,
    Meaning,
    Palette,
    ansi_contrast,
    is_text,
    open_grounds,
)

if TYPE_CHECKING:
    from codeexec.tui.theme.theme import Theme

_MIXED: Mapping[str, str] = MappingProxyType(
    {
        "raised": "default on raised",
        "faint": "faint",
        "border": "border",
        "cursor.blurred": "default on blurred",
        "cursor.line": "default on line",
        "selection": "default on selection",
        "search.match": "default on match",
        "bracket.match": "default on bracket bold",
        "line.number": "number",
        "indent.guide": "guide",
        "traceback.line": "default on trace",
        "table.null": "faint italic",
        "syntax.operator": "soft",
        "syntax.punctuation": "soft",
        "ansi.0": "faint",
        "ansi.7": "soft",
        "ansi.9": "bright-red",
        "ansi.10": "bright-green",
        "ansi.11": "bright-yellow",
        "ansi.12": "bright-blue",
        "ansi.13": "bright-violet",
        "ansi.14": "bright-cyan",
    }
)
"""The rules that mix colours, without mixing."""

LEAST_OF_16 = 4.0
"""The least contrast in sixteen colours, as xterm has them; everybody may set other ones."""

_DARK_16: Table = MappingProxyType(
    {
        "surface": "0",
        "panel": "0",
        "raised": "0",
        "line": "0",
        "blurred": "7",
        "text": "15",
        "muted": "7",
        "soft": "7",
        "number": "8",
        "faint": "8",
        "border": "8",
        "guide": "8",
        "accent": "14",
        "red": "9",
        "orange": "3",
        "yellow": "11",
        "green": "10",
        "cyan": "6",
        "blue": "14",
        "violet": "13",
        "pink": "5",
        "bright-red": "9",
        "bright-yellow": "11",
        "bright-green": "10",
        "bright-cyan": "14",
        "bright-blue": "12",
        "bright-violet": "13",
        "cursor.blurred": "0 on 7",
        "row.current": "15 on 8",
        "selection": "0 on 7",
        "search.match": "0 on 3",
        "search.current": "0 on 11 bold",
        "bracket.match": "15 bold underline",
        "traceback.line": "15 on 1",
        "bar": "0 on 7",
        "bar.muted": "0 on 7",
        "bar.focused": "on-accent on accent bold",
        "popup": "0 on 7",
        "popup.muted": "0 on 7",
        "ansi.0": "8",
        "ansi.1": "1",
        "ansi.2": "2",
        "ansi.3": "3",
        "ansi.4": "12",
        "ansi.5": "5",
        "ansi.6": "6",
        "ansi.7": "7",
        "ansi.8": "8",
    }
)

_LIGHT_16: Table = MappingProxyType(
    {
        "surface": "15",
        "panel": "15",
        "raised": "15",
        "line": "15",
        "blurred": "7",
        "text": "0",
        "muted": "8",
        "soft": "0",
        "number": "8",
        "faint": "8",
        "border": "8",
        "guide": "7",
        "accent": "4",
        "red": "1",
        "orange": "5",
        "yellow": "12",
        "green": "5",
        "cyan": "4",
        "blue": "12",
        "violet": "4",
        "pink": "5",
        "bright-red": "1",
        "bright-yellow": "8",
        "bright-green": "8",
        "bright-cyan": "12",
        "bright-blue": "12",
        "bright-violet": "5",
        "ok": "4",
        "warn": "0 on 11",
        "run.ok": "4",
        "run.queued": "0 on 11",
        "run.failed": "15 on 1 bold",
        "run.cancelled": "0 on 3",
        "run.lost": "5",
        "cursor.blurred": "0 on 7",
        "row.current": "15 on 8",
        "selection": "0 on 14",
        "search.match": "0 on 11",
        "search.current": "15 on 5 bold",
        "bracket.match": "0 bold underline",
        "traceback.line": "15 on 1",
        "syntax.keyword": "4 bold",
        "syntax.string": "1",
        "syntax.function": "0 bold",
        "syntax.heading": "4 bold underline",
        "bar": "0 on 7",
        "bar.muted": "0 on 7",
        "bar.focused": "on-accent on accent bold",
        "popup": "0 on 7",
        "popup.muted": "0 on 7",
        "ansi.0": "0",
        "ansi.2": "8",
        "ansi.3": "8",
        "ansi.6": "12",
        "ansi.7": "8",
        "ansi.8": "8",
    }
)

_MONOCHROME_16: Table = MappingProxyType(
    {
        name: "7"
        for name in BASE_REQUIRED + tuple(BASE_COMPLETED) + EXTRA
        if name not in ("surface", "panel", "raised", "line", "text")
    }
    | dict.fromkeys(("surface", "panel", "raised", "line"), "0")
    | dict.fromkeys(("faint", "border", "guide", "number"), "8")
    | {name: _DARK_16[name] for name in ("cursor.blurred", "selection", "bar", "bar.muted")}
    | {
        "text": "15",
        "accent": "15",
        "popup": "0 on 7",
        "popup.muted": "0 on 7",
        "bar.focused": "0 on 15 bold",
        "problem.error": "15 bold underline",
        "problem.info": "7 underline",
        "search.match": "0 on 7 underline",
        "search.current": "0 on 15 bold underline",
        "bracket.match": "15 bold underline",
        "traceback.line": "0 on 7 bold",
    }
)


def complete_limited(
    table: Table,
    rules: Mapping[str, str],
    true: Mapping[str, Meaning],
    depth: Limited,
    least: float,
    *,
    dark: bool,
    monochrome: bool,
) -> dict[str, Meaning]:
    """Every meaning in colours of the palette.

    `rules` are those that the theme file says under [meaning], `true` its meanings in true colour.
    """
    table = _with_stock(table, depth, dark=dark, monochrome=monochrome)
    if depth == "16":
        least = min(least, LEAST_OF_16)
    chosen = _chosen(table, rules, depth)
    meanings = {name: chosen.get(name) or _snapped(true[name], depth) for name in RULES}
    grounds = open_grounds(meanings)
    surface = meanings["surface"].ground or Color(0, 0, 0)
    for name, meaning in meanings.items():
        if meaning.color is None or (name in table and not _is_base(name, table[name])):
            continue
        under: tuple[Color, ...]
        if name.startswith("ansi."):
            under, ratio = (surface,), ansi_contrast(least)
        elif is_text(name):
            under, ratio = (meaning.ground,) if meaning.ground else grounds, least
        else:
            continue
        color = _readable(meaning.color, under, ratio, depth)
        meanings[name] = Meaning(color, meaning.ground, meaning.attributes)
    return meanings


def left_to_chance(theme: Theme, depth: Limited) -> set[str]:
    """The meanings of a theme that its file says in true colour only: the nearest is taken."""
    table = _with_stock(
        theme.tables.get(depth, {}), depth, dark=theme.dark, monochrome=theme.monochrome
    )
    return set(RULES) - set(_chosen(table, theme.rules, depth))


def _with_stock(table: Table, depth: Limited, *, dark: bool, monochrome: bool) -> Table:
    if depth == "256":
        return table
    return {**(_MONOCHROME_16 if monochrome else _DARK_16 if dark else _LIGHT_16), **table}


def _chosen(table: Table, rules: Mapping[str, str], depth: Limited) -> dict[str, Meaning]:
    """The meanings for which the table has all that they need."""
    # A rule that mixes says little of sixteen colours: there the stock of them goes before it.
    stock = _resolved(table, {}, depth) if depth == "16" else {}
    return stock | _resolved(table, rules, depth)


def _resolved(table: Table, rules: Mapping[str, str], depth: Limited) -> dict[str, Meaning]:
    # A bare number under a name of both kinds (selection, border …) is the base colour.
    base = {name: _hex(value) for name, value in table.items() if _is_base(name, value)}
    own = {name: _hex(value) for name, value in table.items() if name not in base}
    palette = Palette(base, {**RULES, **rules, **_MIXED, **own})
    exact = {color_of(number) for number in numbers(depth)}
    resolved: dict[str, Meaning] = {}
    for name in RULES:
        try:
            meaning = palette.meaning(name)
        except BadValue:
            continue  # the table has not all of its colours
        if all(part is None or part in exact for part in (meaning.color, meaning.ground)):
            resolved[name] = meaning
    return resolved


def _is_base(name: str, value: str) -> bool:
    return name not in RULES or (
        value.isdigit() and (name in EXTRA or name in BASE_REQUIRED or name in BASE_COMPLETED)
    )


def _hex(value: str) -> str:
    """The value with its numbers as colours, as the language of themes has them."""
    return NUMBER.sub(lambda match: color_of(int(match[0])).hex, value)


def _snapped(meaning: Meaning, depth: Limited) -> Meaning:
    def snap(color: Color | None) -> Color | None:
        return None if color is None else color_of(nearest(color, depth))

    return Meaning(snap(meaning.color), snap(meaning.ground), meaning.attributes)


def _readable(color: Color, grounds: tuple[Color, ...], least: float, depth: Limited) -> Color:
    """The colour, or the nearest of the palette that stands out from all the grounds."""

    def stands_out(candidate: Color) -> bool:
        return all(contrast(candidate, ground) >= least for ground in grounds)

    if stands_out(color):
        return color
    for number in nearest_first(color, depth):
        if stands_out(color_of(number)):
            return color_of(number)
    black, white = color_of(numbers(depth)[0]), Color(255, 255, 255)
    return farthest(grounds[0], (black, white))
