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
            "cell.insert_language",
            "cell.language",
            "cell.delete",
            "cell.split",
            "cell.merge",
            "editor.toggle_comment",
            "editor.find",
        ),
    ),
}

PROGRAM_MENU = PaneMenu(
    ("editor.cut", "editor.copy", "editor.paste"),
    (
        "program.build_and_run",
        "program.build",
        "program.run",
        "program.stop",
        "program.profile",
        "program.configure",
        "project.menu",
        "problem.next",
        "problem.list",
        "problem.fix",
        "file.format",
        "editor.toggle_comment",
        "editor.find",
    ),
)
"""Menu of a document that is a program of its own."""

TEXT_MENU = PaneMenu(
    ("editor.cut", "editor.copy", "editor.paste"),
    ("page.toggle", "editor.find", "editor.replace", "file.save", "file.save_as"),
)
"""Menu of a document that is neither code nor has cells."""

CELL_MENU = PaneMenu(
    ("cell.cut", "cell.copy", "cell.paste"),
    (
        "cell.run",
        "page.run_stale",
        "cell.insert_above",
        "cell.insert_below",
        "cell.delete",
        "cell.move_up",
        "cell.move_down",
        "cell.merge",
        "cell.to_code",
        "cell.to_markdown",
        "cell.to_raw",
        "cell.language",
        "cell.insert_language",
        "page.collapse",
        "page.whole",
        "cell.clear",
        "cell.clear_all",
        "page.fold",
        "page.fold_all",
        "page.unfold_all",
        "cell.paste_above",
        "page.toggle",
    ),
)
"""Menu of a page while whole cells are selected."""
