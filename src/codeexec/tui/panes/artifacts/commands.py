"""Commands and keys of the artifacts pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command(
        "pane.artifacts",
        "Go to the artifacts",
        "anywhere",
        "go('artifacts')",
        "alt+3",
        priority=True,
    ),
    Command("artifacts.previous", "Previous", "artifacts", "step(-1)", "up,k,left"),
    Command("artifacts.next", "Next", "artifacts", "step(1)", "down,j,right"),
    Command("artifacts.open", "Full screen", "artifacts", "open", "enter,o"),
    Command("artifacts.pin", "Pin on top, or let go", "artifacts", "pin", "p"),
    Command("artifacts.save", "Save as…", "artifacts", "save", "w"),
    Command("artifacts.copy", "Copy", "artifacts", "copy", "c,y"),
    Command("artifacts.outside", "Open in another program", "artifacts", "outside", "O"),
    Command("artifacts.filter", "Next kind", "artifacts", "filter", "f"),
    Command("artifacts.cell", "Only of its cell, or of all", "artifacts", "filter_cell", "s"),
    Command("artifacts.newest", "The newest", "artifacts", "newest", "g,home"),
    Command("artifacts.oldest", "The oldest", "artifacts", "oldest", "G,end"),
    Command("artifacts.jump", "Go to its output", "artifacts", "jump", "e"),
    Command("artifacts.copy_path", "Copy its path", "artifacts", "copy_path", "Y"),
    Command("artifacts.back", "Back to the list, or show all", "artifacts", "back", "escape"),
)

MENUS = {
    "artifacts": PaneMenu(
        ("", "artifacts.copy", ""),
        (
            "artifacts.open",
            "artifacts.save",
            "artifacts.outside",
            "artifacts.pin",
            "artifacts.jump",
        ),
    ),
}
