"""Commands and keys of the editor pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command("pane.editor", "Go to the editor", "anywhere", "go('editor')", "alt+1", priority=True),
)

MENUS = {
    "editor": PaneMenu(
        ("editor.cut", "editor.copy", "editor.paste"),
        (
            "run.cell",
            "run.selection",
            "run.all",
            "run.restart",
            "problem.fix",
            "editor.inspect",
            "editor.goto_cell",
            "page.toggle",
            "cell.insert_below",
            "cell.delete",
            "cell.split",
            "cell.merge",
            "editor.toggle_comment",
            "editor.find",
        ),
    ),
}
