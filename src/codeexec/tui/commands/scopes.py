"""Key scopes active at the current focus, nearest first, each with the widget that handles it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from textual.dom import DOMNode
from textual.screen import Screen

from codeexec.tui.commands.command import Command
from codeexec.tui.commands.table import APART, BY_ID, COMMANDS, pane_scopes

R = TypeVar("R")


def places(screen: Screen[R]) -> dict[str, DOMNode]:
    """The nearest first, each with the part that does what its commands say."""
    scopes: dict[str, DOMNode] = {}
    for active in screen.active_bindings.values():
        command = BY_ID.get(active.binding.id or "")
        # A screen of its own binds the help of elsewhere, which is no place.
        if command is not None and not active.binding.action.startswith("app."):
            scopes.setdefault(command.where, active.node)
    return scopes


def is_apart(scopes: Sequence[str] | dict[str, DOMNode]) -> bool:
    """Whether a screen of its own is in front of the workbench."""
    return any(place in APART for place in scopes)


def all_places(scopes: Sequence[str]) -> list[str]:
    """For the page of keys: those of where one is, then, in the workbench, all others."""
    if is_apart(scopes):
        return list(scopes)
    first: list[str] = [place for place in scopes if place != "anywhere"]
    if "prompt" in first:
        first.append("console")
    return list(dict.fromkeys([*first, "anywhere", *pane_scopes()]))


_FIRST = ("file.open", "run.cell", "file.save", "app.quit")
"""What a newcomer looks for: it begins the palette."""


def menu(scopes: Sequence[str]) -> list[Command]:
    """For the palette: every command that can be done from here, the first ones that one looks
    for, then those of where one is,
    and what one has in the fingers last."""
    order = all_places(scopes)
    in_panes = all(place in (*pane_scopes(), "anywhere") for place in scopes)
    first = _FIRST if in_panes else ()
    available = [command for command in COMMANDS if command.where in order]
    return sorted(
        available,
        key=lambda command: (
            first.index(command.id) if command.id in first else len(first),
            command.is_small,
            order.index(command.where),
            command.group != "run",
        ),
    )
