"""Commands and keys of the variables pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command(
        "pane.variables",
        "Go to the variables",
        "anywhere",
        "go('variables')",
        "alt+4",
        priority=True,
    ),
    Command("variables.refresh", "Look again", "variables", "refresh_variables", "r"),
    Command("variables.open", "Open as a table, or look inside", "variables", "open", "enter,o"),
    Command("variables.delete", "Delete", "variables", "delete", "d,delete"),
    Command("variables.copy_name", "Copy its name", "variables", "copy_name", "c,y"),
    Command("variables.search", "Search", "variables", "search", "slash,ctrl+f"),
    Command("variables.previous", "Above", "variables", "step(-1)", "up,k"),
    Command("variables.next", "Below", "variables", "step(1)", "down,j"),
    Command("variables.expand", "Look inside", "variables", "expand(True)", "right,l,space"),
    Command("variables.collapse", "Close", "variables", "expand(False)", "left,h"),
    Command("variables.sort", "Sort by name, type or size", "variables", "sort", "s"),
    Command(
        "variables.sort_by_size",
        "Sort by memory, with all that is in a variable",
        "variables",
        "sort_by_size",
        "m",
    ),
    Command("variables.reverse", "Turn the order round", "variables", "reverse", "S"),
    Command("variables.first", "First", "variables", "end(-1)", "g,home"),
    Command("variables.last", "Last", "variables", "end(1)", "G,end"),
    Command("variables.back", "Show all again", "variables", "back", "escape"),
)

MENUS = {
    "variables": PaneMenu(
        ("", "variables.copy_name", ""),
        ("variables.open", "variables.delete", "variables.search", "variables.refresh"),
    ),
}
