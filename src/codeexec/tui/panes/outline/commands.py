"""Commands and keys of the outline pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command(
        "pane.outline",
        "Go to the outline",
        "anywhere",
        "go('outline')",
        "alt+6",
        "Headings, cells and definitions of the document; type to filter.",
        priority=True,
    ),
    Command(
        "pane.toggle_outline",
        "Show or hide the outline",
        "anywhere",
        "toggle_pane('outline')",
        "alt+shift+w",
    ),
    Command("outline.jump", "Go there", "outline", "jump", "enter"),
    Command(
        "outline.fold",
        "Fold or unfold a section",
        "outline",
        "fold",
        "f3",
        "What is below a heading or a class.",
    ),
    Command("outline.previous", "Above", "outline", "step(-1)", "up"),
    Command("outline.next", "Below", "outline", "step(1)", "down"),
    Command("outline.page_up", "Page up", "outline", "step(-10)", "pageup"),
    Command("outline.page_down", "Page down", "outline", "step(10)", "pagedown"),
    Command("outline.back", "Clear the filter, or back to the editor", "outline", "back", "escape"),
)

MENUS = {
    "outline": PaneMenu(
        commands=("outline.jump", "outline.fold", "outline.back", "pane.toggle_outline")
    ),
}
