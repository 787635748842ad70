"""Commands and keys of the files pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command("pane.files", "Go to the files", "anywhere", "go('files')", "alt+5", priority=True),
    Command(
        "pane.toggle_files", "Show or hide the files", "anywhere", "toggle_pane('files')", "ctrl+b"
    ),
    Command("files.create", "New file or folder…", "files", "create", "a"),
    Command("files.rename", "Rename…", "files", "rename", "r"),
    Command("files.delete", "Delete…", "files", "delete", "d,delete"),
    Command("files.copy_path", "Copy its path", "files", "copy_path", "c,y"),
    Command("files.reload", "Read again", "files", "reload", "R"),
    Command(
        "files.hidden", "Show what .gitignore hides, or not", "files", "toggle_ignored", "full_stop"
    ),
    Command("files.open", "Open", "files", "open", "enter,o"),
    Command("files.previous", "Above", "files", "step(-1)", "up,k"),
    Command("files.next", "Below", "files", "step(1)", "down,j"),
    Command("files.expand", "Open the folder", "files", "inward", "right,l"),
    Command("files.collapse", "Close the folder", "files", "outward", "left,h"),
    Command("files.toggle", "Open or close the folder", "files", "toggle_folder", "space"),
    Command("files.first", "First", "files", "end(-1)", "g,home"),
    Command("files.last", "Last", "files", "end(1)", "G,end"),
)

MENUS = {
    "files": PaneMenu(
        ("", "files.copy_path", ""),
        ("files.open", "files.create", "files.rename", "files.delete", "files.reload"),
    ),
}
