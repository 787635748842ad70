"""The one table of commands: help, palette, key page and bindings are all made from it.

A command's `where` says which part of the workbench must be in focus for its keys: `anywhere`,
or the name of a pane. A key that some terminals do not deliver (`SWALLOWED`) always has a
second one that arrives everywhere; `tests/tui/workbench/test_commands.py` holds us to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

from codeexec.tui.widgets.editor.bindings import DEFAULT_BINDINGS

Where = Literal[
    "anywhere", "editor", "console", "prompt", "artifacts", "variables", "files", "picture"
]

PLACES: dict[Where, str] = {
    "anywhere": "Anywhere",
    "editor": "Editor",
    "console": "Console",
    "prompt": "Prompt",
    "artifacts": "Artifacts",
    "variables": "Variables",
    "files": "Files",
    "picture": "Picture, full screen",
}

SWALLOWED = frozenset(
    {"ctrl+enter", "shift+enter", "alt+enter", "f11", "ctrl+pageup", "ctrl+pagedown", "f10"}
    | {"alt+b", "alt+f"}  # what Macs send for alt and an arrow
    | {f"ctrl+shift+{key}" for key in "abcdefghijklmnopqrstuvwxyz"}
    | {f"ctrl+{digit}" for digit in "0123456789"}
)
"""Keys that terminals, or the desktop around them, are known to keep or to send as another."""


@dataclass(frozen=True, slots=True)
class Command:
    """`action` is the Textual action of the part named by `where`; `keys` the default ones."""

    id: str
    title: str
    where: Where
    action: str
    keys: str = ""
    about: str = ""
    priority: bool = False

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


def _table() -> tuple[Command, ...]:
    c = Command
    return (
        # the kernel
        c("kernel.interrupt", "Interrupt", "anywhere", "interrupt", "f9",
          "Once to interrupt; again while it does not obey climbs the ladder."),
        c("kernel.restart", "Restart the kernel", "anywhere", "restart", "shift+f9"),
        c("kernel.choose", "Choose another kernel…", "anywhere", "choose_kernel", "f12"),
        c("kernel.shut_down", "Shut the kernel down", "anywhere", "shut_down"),
        c("kernel.clear_queue", "Cancel all that waits", "anywhere", "clear_queue"),
        c("kernel.pause", "Pause the container, or let it go on", "anywhere", "pause_kernel"),
        c("kernel.policy", "What the container may do…", "anywhere", "choose_policy"),
        # documents
        c("file.open", "Open a file…", "anywhere", "open_file", "ctrl+o",
          "Finds files of the folder by a few letters of their name."),
        c("file.new", "New file", "anywhere", "new_file", "ctrl+t"),
        c("file.save", "Save", "anywhere", "save", "ctrl+s"),
        c("file.save_as", "Save as…", "anywhere", "save_as", "alt+shift+s"),
        c("file.reload", "Reload from disk", "anywhere", "reload_file", "alt+shift+r"),
        c("file.compare", "Compare with what is on disk", "anywhere", "compare_file",
          "alt+shift+c"),
        c("file.keep", "Keep mine, whatever is on disk", "anywhere", "keep_file", "alt+shift+k"),
        c("file.close", "Close the tab", "anywhere", "close_tab", "alt+w"),
        c("file.reopen", "Reopen the last closed tab", "anywhere", "reopen_tab"),
        c("file.next_tab", "Next tab", "anywhere", "next_tab(1)", "alt+right"),
        c("file.previous_tab", "Previous tab", "anywhere", "next_tab(-1)", "alt+left"),
        c("file.external", "Edit in $EDITOR", "anywhere", "external_editor"),
        # panes
        c("pane.other", "Between editor and console", "anywhere", "go('other')", "f2"),
        c("pane.editor", "Go to the editor", "anywhere", "go('editor')", "alt+1"),
        c("pane.console", "Go to the console", "anywhere", "go('console')", "alt+2"),
        c("pane.artifacts", "Go to the artifacts", "anywhere", "go('artifacts')", "alt+3"),
        c("pane.variables", "Go to the variables", "anywhere", "go('variables')", "alt+4"),
        c("pane.files", "Go to the files", "anywhere", "go('files')", "alt+5"),
        c("pane.maximise", "Show this pane alone, or all again", "anywhere", "maximise_pane",
          "f11,alt+m"),
        c("pane.toggle_files", "Show or hide the files", "anywhere", "toggle_pane('files')",
          "ctrl+b"),
        c("pane.toggle_side", "Show or hide artifacts and variables", "anywhere",
          "toggle_pane('side')", "alt+v"),
        c("pane.swap", "Swap editor and console", "anywhere", "swap_panes", "alt+t"),
        c("pane.wider", "Make this pane wider", "anywhere", "resize(3, 0)", "alt+l"),
        c("pane.narrower", "Make this pane narrower", "anywhere", "resize(-3, 0)", "alt+h"),
        c("pane.taller", "Make this pane taller", "anywhere", "resize(0, 2)", "alt+equals_sign"),
        c("pane.shorter", "Make this pane shorter", "anywhere", "resize(0, -2)", "alt+minus"),
        c("pane.presentation", "Presentation mode", "anywhere", "presentation", "alt+p",
          "Fewer things and more room, for an audience."),
        # around
        c("app.palette", "All commands…", "anywhere", "palette", "ctrl+p", priority=True),
        c("app.help", "Keys of where you are", "anywhere", "help", "f1", priority=True),
        c("app.menu", "Commands of this pane…", "anywhere", "menu", "shift+f10,alt+semicolon",
          "The right button of the mouse does the same."),
        c("app.theme", "Change the theme…", "anywhere", "choose_theme"),
        c("app.settings", "Settings", "anywhere", "settings", "alt+0"),
        c("app.sessions", "Sessions…", "anywhere", "sessions", "alt+9",
          "Lists sessions, attaches to one, stops one."),
        c("app.rename", "Rename this session…", "anywhere", "rename_session"),
        c("app.quit", "Quit, and let the session go on", "anywhere", "detach", "ctrl+q",
          priority=True),
        c("app.stop_quit", "Stop the session and quit", "anywhere", "stop_and_quit"),
        # the console's cards
        c("console.previous", "Card above", "console", "step(-1)", "up,k"),
        c("console.next", "Card below", "console", "step(1)", "down,j"),
        c("console.end", "To the newest line", "console", "end", "end,G"),
        c("console.top", "To the first line", "console", "top", "home,g"),
        c("console.fold", "Fold or unfold the card", "console", "fold", "space,enter"),
        c("console.code", "All of its code, or the beginning", "console", "fold_code", "v"),
        c("console.frames", "All frames of its traceback, or mine", "console", "frames", "f"),
        c("console.source", "Go to where it failed", "console", "source", "s"),
        c("console.copy", "Copy its output", "console", "copy_output", "c,y"),
        c("console.copy_code", "Copy its code", "console", "copy_code", "C"),
        c("console.save", "Save its output…", "console", "save_output", "w"),
        c("console.export", "Export all output…", "console", "export", "E"),
        c("console.rerun", "Run it again", "console", "rerun", "r"),
        c("console.edit", "Send its code to the editor", "console", "edit", "e"),
        c("console.cancel", "Cancel or interrupt it", "console", "cancel", "x"),
        c("console.open", "Open its display", "console", "open_display", "o"),
        c("console.left", "Long rows to the left", "console", "sideways(-16)", "left,h"),
        c("console.right", "Long rows to the right", "console", "sideways(16)", "right,l"),
        c("console.search", "Search in all output", "console", "search", "slash,ctrl+f"),
        c("console.search_next", "Next match", "console", "search_step(1)", "n"),
        c("console.search_previous", "Previous match", "console", "search_step(-1)", "N"),
        c("console.prompt", "Back to the prompt", "console", "prompt", "i,escape"),
        # the prompt
        c("prompt.submit", "Run, or a new line where code goes on", "prompt", "submit", "enter"),
        c("prompt.run", "Run as it is", "prompt", "submit_now", "ctrl+enter,f5"),
        c("prompt.newline", "New line", "prompt", "newline", "shift+enter,alt+enter,ctrl+j"),
        c("prompt.complete", "Complete, or indent", "prompt", "complete", "tab"),
        c("prompt.docs", "Documentation", "prompt", "docs", "shift+tab,alt+i"),
        c("prompt.page_up", "Scroll the cards up", "prompt", "scroll_cards(-1)",
          "pageup,shift+pageup"),
        c("prompt.page_down", "Scroll the cards down", "prompt", "scroll_cards(1)",
          "pagedown,shift+pagedown"),
        c("prompt.history", "Search what was run before", "prompt", "search_history", "ctrl+r"),
        # artifacts
        c("artifacts.previous", "Previous", "artifacts", "step(-1)", "up,k,left"),
        c("artifacts.next", "Next", "artifacts", "step(1)", "down,j,right"),
        c("artifacts.open", "Full screen", "artifacts", "open", "enter,o"),
        c("artifacts.pin", "Pin on top, or let go", "artifacts", "pin", "p"),
        c("artifacts.save", "Save as…", "artifacts", "save", "w"),
        c("artifacts.copy", "Copy", "artifacts", "copy", "c,y"),
        c("artifacts.outside", "Open in another program", "artifacts", "outside", "O"),
        c("artifacts.filter", "Next kind", "artifacts", "filter", "f"),
        c("artifacts.cell", "Only of its cell, or of all", "artifacts", "filter_cell", "s"),
        # variables
        c("variables.refresh", "Look again", "variables", "refresh_variables", "r"),
        c("variables.open", "Open as a table, or look inside", "variables", "open", "enter,o"),
        c("variables.delete", "Delete", "variables", "delete", "d,delete"),
        c("variables.search", "Search", "variables", "search", "slash,ctrl+f"),
        # files
        c("files.create", "New file or folder…", "files", "create", "a"),
        c("files.rename", "Rename…", "files", "rename", "r"),
        c("files.delete", "Delete…", "files", "delete", "d,delete"),
        c("files.reload", "Read again", "files", "reload", "R"),
        c("files.hidden", "Show what .gitignore hides, or not", "files", "toggle_ignored",
          "full_stop"),
    )  # fmt: skip


COMMANDS: tuple[Command, ...] = (
    *_table(),
    *(Command(row.id, row.description, "editor", row.action, row.keys) for row in DEFAULT_BINDINGS),
)
"""All of them; those of the code editor are as its own table says."""

BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}


def of(where: Where) -> list[Command]:
    """The commands of a place, in the order of the table."""
    return [command for command in COMMANDS if command.where == where]


def bindings(where: Where) -> list[Binding]:
    """What the part of that name binds; keymaps change the keys by the commands' ids."""
    return [
        Binding(
            # A command without a key is bound to one that no keyboard has, so that a keymap
            # can give it another.
            command.keys or f"f63_{command.id.replace('.', '_')}",
            command.action,
            command.title,
            show=False,
            id=command.id,
            priority=command.priority,
        )
        for command in of(where)
    ]
