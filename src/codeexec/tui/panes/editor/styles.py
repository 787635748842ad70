"""Styles by theme token, from our own themes or from any Textual theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style
from textual.color import Color, ColorParseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STOCK = {
    "surface": "background",
    "panel": "panel",
    "text": "foreground",
    "muted": "foreground 60%",
    "faint": "foreground 40%",
    "accent": "accent",
    "error": "error",
    "warn": "warning",
    "info": "secondary",
    "cursor": "background on foreground",
    "cursor.blurred": "on foreground 30%",
    "cursor.line": "on foreground 5%",
    "selection": "on primary 35%",
    "search.match": "on warning 25%",
    "search.current": "background on warning",
    "bracket.match": "on foreground 22%",
    "line.number": "foreground 40%",
    "line.number.current": "foreground",
    "cell.separator": "accent",
    "cell.current": "accent",
    "run.queued": "warning",
    "run.running": "accent",
    "run.ok": "success",
    "run.failed": "error",
    "run.cancelled": "warning",
    "run.lost": "secondary",
    "run.edited": "warning",
    "syntax.keyword": "accent",
    "syntax.string": "success",
    "syntax.string.escape": "secondary",
    "syntax.comment": "foreground 55%",
    "syntax.number": "warning",
    "syntax.function": "primary",
    "syntax.type": "warning",
    "syntax.constant": "warning",
    "syntax.decorator": "secondary",
    "syntax.builtin": "primary",
    "syntax.tag": "accent",
    "syntax.heading": "accent",
    "syntax.error": "error",
    "problem.error": "error",
    "problem.warn": "warning",
    "problem.info": "primary",
    "popup": "foreground on panel",
    "popup.muted": "foreground 60% on panel",
    "popup.current": "background on accent",
}
"""What a name becomes under a theme that does not know it, in variables that each theme has."""


class EditorStyles:
    """Styles by name, and by names laid over one another, looked up once."""

    def __init__(self, lookup: Callable[[str], Style]) -> None:
        self._lookup = lookup
        self._known: dict[tuple[str, ...], Style] = {}

    def __call__(self, *names: str) -> Style:
        """The style of `names`, a later one over an earlier; empty names are nothing."""
        style = self._known.get(names)
        if style is None:
            style = Style.combine(self._lookup(name) for name in names if name)
            self._known[names] = style
        return style

    @classmethod
    def from_meanings(cls, lookup: Callable[[str], Style]) -> EditorStyles:
        """Styles from one of our own themes, given its `style`."""
        return cls(lookup)

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> EditorStyles:
        """Styles from the CSS variables of the theme that is in use."""
        return cls(lambda name: _style(name, variables))


def _style(name: str, variables: Mapping[str, str]) -> Style:
    css = name.replace(".", "-")
    if css not in variables or (name in _STOCK and "syntax-keyword" not in variables):
        return _stock(name, variables)
    ground = variables.get(f"{css}-ground", "")
    color = variables[css]
    if color == ground and name != "text":
        # A name that is only a ground lets the colour of the text shine through.
        color = ""
    attributes = Style.parse(variables.get(f"{css}-style", "") or "none")
    return attributes + _from(color, ground, variables)


def _stock(name: str, variables: Mapping[str, str]) -> Style:
    front, _, ground = _STOCK.get(name, "foreground").partition("on ")
    style = _from(_mixed(front, variables), _mixed(ground, variables), variables)
    return style + Style(italic=True) if name == "syntax.comment" else style


def _mixed(rule: str, variables: Mapping[str, str]) -> str:
    """`warning 25%`: the variable, mixed into the background."""
    name, _, percent = rule.strip().partition(" ")
    color = variables.get(name, "")
    if not percent or not color:
        return color
    try:
        ground = Color.parse(variables.get("background", "black"))
        return ground.blend(Color.parse(color), int(percent.rstrip("%")) / 100).hex
    except ColorParseError:
        return color


def _from(color: str, ground: str, variables: Mapping[str, str]) -> Style:
    return Style(color=_rich(color), bgcolor=_rich(ground))


def _rich(color: str) -> str | None:
    """A colour as rich writes it; None for none, and for words that are no colour."""
    try:
        parsed = Color.parse(color) if color else None
    except ColorParseError:
        return None
    if parsed is None or parsed.a == 0:
        return None
    return "default" if parsed.ansi == -1 else parsed.rich_color.name
