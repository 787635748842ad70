"""CSS variables of a theme: one per token, and Textual's own derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from codeexec.tui.theme.tokens import Meaning

_STOCK: Mapping[str, str] = MappingProxyType(
    {
        "text": "text",
        "text-muted": "muted",
        "text-disabled": "muted",
        "foreground-muted": "muted",
        "foreground-disabled": "muted",
        "text-primary": "accent",
        "text-secondary": "info",
        "text-accent": "accent",
        "text-warning": "warn",
        "text-error": "error",
        "text-success": "ok",
        "border": "border.focused",
        "border-blurred": "border",
        "block-cursor-foreground": "cursor",
        "block-cursor-background": "cursor ground",
        "block-cursor-blurred-foreground": "cursor.blurred ink",
        "block-cursor-blurred-background": "cursor.blurred ground",
        "block-hover-background": "row.current ground",
        "surface-active": "row.current ground",
        "input-cursor-foreground": "cursor",
        "input-cursor-background": "cursor ground",
        "input-selection-background": "selection ground",
        "input-selection-foreground": "selection ink",
        "screen-selection-background": "selection ground",
        "screen-selection-foreground": "selection ink",
        "scrollbar": "border",
        "scrollbar-hover": "muted",
        "scrollbar-active": "accent",
        "scrollbar-background": "panel ground",
        "scrollbar-background-hover": "panel ground",
        "scrollbar-background-active": "panel ground",
        "scrollbar-corner-color": "panel ground",
        "link-color": "link",
        "link-color-hover": "accent.ground",
        "link-background-hover": "accent.ground ground",
        "footer-foreground": "muted",
        "footer-background": "panel ground",
        "footer-item-background": "panel ground",
        "footer-key-foreground": "accent",
        "footer-key-background": "panel ground",
        "footer-description-foreground": "muted",
        "footer-description-background": "panel ground",
        "button-foreground": "text",
        "button-color-foreground": "accent.ground",
        "markdown-h1-color": "accent",
        "markdown-h2-color": "accent",
        "markdown-h3-color": "title",
        "markdown-h4-color": "title",
        "markdown-h5-color": "muted",
        "markdown-h6-color": "muted",
    }
)
"""Textual's variable -> the meaning whose colour it takes: the first it has, the `ground`, or the
`ink`, which is the colour of what is written on its ground."""


def variables(meanings: Mapping[str, Meaning]) -> dict[str, str]:
    """CSS variables without the dollar sign, as Textual's theme wants them."""
    text = meanings["text"]
    surface = meanings["surface"]

    def color(name: str) -> str:
        meaning = meanings[name]
        chosen = meaning.color or meaning.ground or text.color
        return chosen.hex if chosen else ""

    def ground(name: str) -> str:
        chosen = meanings[name].ground or surface.ground
        return chosen.hex if chosen else ""

    def ink(name: str) -> str:
        chosen = meanings[name].color or text.color
        return chosen.hex if chosen else ""

    css_variables: dict[str, str] = {}
    for name, meaning in meanings.items():
        css = name.replace(".", "-")
        css_variables[css] = color(name)
        if meaning.ground is not None:
            css_variables[f"{css}-ground"] = ground(name)
            css_variables[f"{css}-ink"] = ink(name)
        if meaning.attributes:
            css_variables[f"{css}-style"] = " ".join(sorted(meaning.attributes))
    for css, source in _STOCK.items():
        name, _, part = source.partition(" ")
        css_variables[css] = {"": color, "ground": ground, "ink": ink}[part](name)
    css_variables["block-cursor-text-style"] = "none"
    css_variables["link-style"] = "underline"
    css_variables["link-style-hover"] = "none"
    css_variables["markdown-h1-text-style"] = "bold"
    css_variables["markdown-h2-text-style"] = "bold"
    return css_variables
