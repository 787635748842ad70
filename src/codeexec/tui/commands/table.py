"""The command table: the one source of help, palette, key page and bindings.

A command's `where` says what must be in focus for its keys: `anywhere` in the workbench, a pane, a
part that panes and screens share, or a screen of its own. Whatever binds keys takes them from here
by `bindings`. A key that some terminals do not deliver (`SWALLOWED`) always has a second one that
arrives everywhere; `tests/tui/workbench/test_commands.py` holds us to both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from textual.binding import Binding

from codeexec.tui.commands.editor import DEFAULT_BINDINGS

Pane = Literal["editor", "console", "prompt", "artifacts", "variables", "files", "outline"]
Part = Literal["find", "search", "rows", "table", "text", "json", "picture"]
Apart = Literal[
    "viewer", "table_screen", "list", "compare", "sessions", "settings", "kernels", "dialog",
    "question", "keys", "trust",
]  # fmt: skip
Where = Literal["anywhere"] | Pane | Part | Apart

PANES: tuple[Pane, ...] = get_args(Pane)

PLACES: dict[Where, str] = {
    "anywhere": "Anywhere",
    "editor": "Editor",
    "console": "Console",
    "prompt": "Prompt",
    "artifacts": "Artifacts",
    "variables": "Variables",
    "files": "Files",
    "outline": "Outline",
    "find": "Find and replace",
    "search": "Search in output",
    "rows": "Lists",
    "table": "Table",
    "text": "Text",
    "json": "JSON",
    "picture": "Picture, full screen",
    "viewer": "Full screen",
    "table_screen": "Table, full screen",
    "list": "List",
    "compare": "Comparing",
    "sessions": "Sessions",
    "settings": "Settings",
    "kernels": "Kernels",
    "dialog": "Question",
    "question": "Answers",
    "keys": "Keys",
    "trust": "Trust",
}

APART: frozenset[Where] = frozenset(get_args(Apart))
"""Screens of their own, where nothing works that works anywhere in the workbench."""

SWALLOWED = frozenset(
    {"ctrl+enter", "shift+enter", "alt+enter", "f11", "ctrl+pageup", "ctrl+pagedown", "f10"}
    | {"alt+b", "alt+f"}  # what Macs send for alt and an arrow
    | {f"ctrl+shift+{key}" for key in "abcdefghijklmnopqrstuvwxyz"}
    | {f"ctrl+{digit}" for digit in "0123456789"}
)
"""Keys that terminals, or the desktop around them, are known to keep or to send as another."""


_COMMON = frozenset(
    {"left", "right", "up", "down", "home", "end", "line_end", "page_up", "page_down", "newline"}
    | {"delete_left", "delete_right", "copy", "paste", "cut"}
    | {"next", "previous", "first", "last"}
)
_SELECTS = ("select_all", "select_line")
_SMALL = frozenset(
    {"word_left", "word_right", "text_start", "text_end", "scroll_up", "scroll_down", "dismiss"}
    | {"line_below", "delete_word_left", "delete_word_right", "delete_to_line_end"}
)
"""What is done by keys or not at all."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: `action` is a Textual action of the widget with scope `where`; `keys` are the
    defaults."""

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

    @property
    def is_small(self) -> bool:
        """Whether the command ranks low in a list of commands: it is rarely searched for."""
        return self.goes_without_saying or self.id.partition(".")[2] in _SMALL

    @property
    def goes_without_saying(self) -> bool:
        """Whether its keys are standard for every text field or list, so that listing it adds
        nothing."""
        name = self.id.partition(".")[2]
        return name in _COMMON or (name.startswith("select_") and name not in _SELECTS)


def _table() -> tuple[Command, ...]:
    c = Command
    return (
        # the kernel
        c("kernel.interrupt", "Interrupt", "anywhere", "interrupt", "f9",
          "Once to interrupt; again while it does not obey climbs the ladder."),
        c("kernel.restart", "Restart the kernel", "anywhere", "restart", "shift+f9"),
        c("kernel.choose", "Choose another kernel…", "anywhere", "choose_kernel", "f12"),
        c("kernel.start", "Start another kernel in the session…", "anywhere", "start_kernel", "",
          "Beside the ones that run: each has its own variables, queue and prompt."),
        c("kernel.focus", "Choose the kernel of the prompt…", "anywhere", "focus_kernel", "",
          "Interrupt, restart and variables are about it too."),
        c("kernel.next", "Switch the prompt to the next kernel", "anywhere", "next_kernel",
          "shift+f12"),
        c("kernel.of_document", "Choose the kernel of this document…", "anywhere",
          "kernel_of_document"),
        c("kernel.default", "Make this kernel the default of the session", "anywhere",
          "default_kernel"),
        c("kernel.remove", "Remove this kernel from the session…", "anywhere", "remove_kernel"),
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
        # Before all else: what is typed right after one of these is meant for that pane.
        c("pane.other", "Between editor and console", "anywhere", "go('other')", "f2",
          priority=True),
        c("pane.editor", "Go to the editor", "anywhere", "go('editor')", "alt+1",
          priority=True),
        c("pane.console", "Go to the console", "anywhere", "go('console')", "alt+2",
          priority=True),
        c("pane.artifacts", "Go to the artifacts", "anywhere", "go('artifacts')", "alt+3",
          priority=True),
        c("pane.variables", "Go to the variables", "anywhere", "go('variables')", "alt+4",
          priority=True),
        c("pane.files", "Go to the files", "anywhere", "go('files')", "alt+5",
          priority=True),
        c("pane.outline", "Go to the outline", "anywhere", "go('outline')", "alt+6",
          "Headings, cells and definitions of the document; type to filter.", priority=True),
        c("pane.maximise", "Show this pane alone, or all again", "anywhere", "maximise_pane",
          "f11,alt+m"),
        c("pane.toggle_files", "Show or hide the files", "anywhere", "toggle_pane('files')",
          "ctrl+b"),
        c("pane.toggle_outline", "Show or hide the outline", "anywhere",
          "toggle_pane('outline')", "alt+shift+o"),
        c("pane.toggle_side", "Show or hide artifacts and variables", "anywhere",
          "toggle_pane('side')", "alt+v"),
        c("pane.swap", "Swap editor and console", "anywhere", "swap_panes", "alt+t"),
        c("pane.beside", "Editor and console side by side, or one above the other", "anywhere",
          "beside", "alt+shift+v"),
        c("pane.wider", "Make this pane wider", "anywhere", "resize(3, 0)", "alt+l"),
        c("pane.narrower", "Make this pane narrower", "anywhere", "resize(-3, 0)", "alt+h"),
        c("pane.taller", "Make this pane taller", "anywhere", "resize(0, 2)", "alt+equals_sign"),
        c("pane.shorter", "Make this pane shorter", "anywhere", "resize(0, -2)", "alt+minus"),
        c("pane.split", "Split the editor, or show one half alone", "anywhere", "split", "alt+7",
          "Two documents, or one of them twice with two carets. Tabs go to the half in use."),
        c("pane.split_other", "Go to the other half of the editor", "anywhere",
          "other_half", "alt+8", priority=True),
        c("pane.split_turn", "Halves of the editor: side by side, or one above the other",
          "anywhere", "turn_split", "alt+shift+d"),
        c("pane.presentation", "Presentation mode", "anywhere", "presentation", "alt+p",
          "Fewer things and more room, for an audience."),
        # around
        c("app.palette", "All commands…", "anywhere", "palette", "ctrl+p", priority=True),
        c("app.help", "Keys of where you are", "anywhere", "help", "f1", priority=True),
        c("app.menu", "Commands of this pane…", "anywhere", "menu", "shift+f10,alt+semicolon",
          "The right button of the mouse shows the first of them at the pointer."),
        c("tour.show", "Take the tour, or leave it", "anywhere", "tour", "alt+shift+e",
          "The lesson in steps of `codeexec-tui demo`."),
        c("tour.next", "Tour: skip this step", "anywhere", "tour_step(1)", "alt+shift+n"),
        c("tour.back", "Tour: the step before", "anywhere", "tour_step(-1)"),
        c("app.theme", "Change the theme…", "anywhere", "choose_theme"),
        c("app.settings", "Settings", "anywhere", "settings", "alt+0"),
        c("app.sessions", "Sessions…", "anywhere", "sessions", "alt+9",
          "Lists sessions, attaches to one, stops one."),
        c("app.new_session", "Begin a new session here", "anywhere", "new_session", "",
          "With the files that are open; the session before is left as it is."),
        c("app.reconnect", "Connect again now", "anywhere", "reconnect", "alt+shift+t",
          "While the server is away: do not wait for the next attempt."),
        c("app.trust", "Trust this folder, or no more…", "anywhere", "trust", "",
          "A trusted folder chooses what is executed: its environment, its settings."),
        c("app.follow", "Follow the workbench that is watched, or let go", "anywhere", "follow",
          "alt+y", "With `attach --watch`: its document, cursor, scroll and unsaved text."),
        c("app.rename", "Rename this session…", "anywhere", "rename_session"),
        c("app.quit", "Quit, and let the session go on", "anywhere", "detach", "ctrl+q",
          priority=True),
        c("app.leave", "Exit: leave, or stop the session…", "anywhere", "ask_leave", "",
          "exit, quit() and Ctrl+D at an empty prompt ask the same."),
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
        c("console.outside", "Open its display in another program", "console", "outside", "O"),
        c("console.left", "Long rows to the left", "console", "sideways(-16)", "left,h"),
        c("console.right", "Long rows to the right", "console", "sideways(16)", "right,l"),
        c("console.search", "Search in all code and output", "console", "search", "slash,ctrl+f"),
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
        c("prompt.cards", "To the cards above", "prompt", "to_cards", "escape,alt+up"),
        c("prompt.cut", "Cut", "prompt", "cut"),
        c("prompt.copy", "Copy", "prompt", "copy"),
        c("prompt.paste", "Paste", "prompt", "paste"),
        c("prompt.history", "Search what was run before", "prompt", "search_history", "ctrl+r"),
        c("prompt.older", "What was run before, or the line above", "prompt",
          "history_or_up", "up"),
        c("prompt.newer", "What was run after, or the line below", "prompt",
          "history_or_down", "down"),
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
        c("artifacts.newest", "The newest", "artifacts", "newest", "g,home"),
        c("artifacts.oldest", "The oldest", "artifacts", "oldest", "G,end"),
        c("artifacts.jump", "Go to its output", "artifacts", "jump", "e"),
        c("artifacts.copy_path", "Copy its path", "artifacts", "copy_path", "Y"),
        c("artifacts.back", "Back to the list, or show all", "artifacts", "back", "escape"),
        # variables
        c("variables.refresh", "Look again", "variables", "refresh_variables", "r"),
        c("variables.open", "Open as a table, or look inside", "variables", "open", "enter,o"),
        c("variables.delete", "Delete", "variables", "delete", "d,delete"),
        c("variables.copy_name", "Copy its name", "variables", "copy_name", "c,y"),
        c("variables.search", "Search", "variables", "search", "slash,ctrl+f"),
        c("variables.previous", "Above", "variables", "step(-1)", "up,k"),
        c("variables.next", "Below", "variables", "step(1)", "down,j"),
        c("variables.expand", "Look inside", "variables", "expand(True)", "right,l,space"),
        c("variables.collapse", "Close", "variables", "expand(False)", "left,h"),
        c("variables.sort", "Sort by name, type or size", "variables", "sort", "s"),
        c("variables.reverse", "Turn the order round", "variables", "reverse", "S"),
        c("variables.first", "First", "variables", "end(-1)", "g,home"),
        c("variables.last", "Last", "variables", "end(1)", "G,end"),
        c("variables.back", "Show all again", "variables", "back", "escape"),
        # files
        c("files.create", "New file or folder…", "files", "create", "a"),
        c("files.rename", "Rename…", "files", "rename", "r"),
        c("files.delete", "Delete…", "files", "delete", "d,delete"),
        c("files.copy_path", "Copy its path", "files", "copy_path", "c,y"),
        c("files.reload", "Read again", "files", "reload", "R"),
        c("files.hidden", "Show what .gitignore hides, or not", "files", "toggle_ignored",
          "full_stop"),
        c("files.open", "Open", "files", "open", "enter,o"),
        c("files.previous", "Above", "files", "step(-1)", "up,k"),
        c("files.next", "Below", "files", "step(1)", "down,j"),
        c("files.expand", "Open the folder", "files", "inward", "right,l"),
        c("files.collapse", "Close the folder", "files", "outward", "left,h"),
        c("files.toggle", "Open or close the folder", "files", "toggle_folder", "space"),
        c("files.first", "First", "files", "end(-1)", "g,home"),
        c("files.last", "Last", "files", "end(1)", "G,end"),
        # outline
        c("outline.jump", "Go there", "outline", "jump", "enter"),
        c("outline.previous", "Above", "outline", "step(-1)", "up"),
        c("outline.next", "Below", "outline", "step(1)", "down"),
        c("outline.page_up", "Page up", "outline", "step(-10)", "pageup"),
        c("outline.page_down", "Page down", "outline", "step(10)", "pagedown"),
        c("outline.back", "Clear the filter, or back to the editor", "outline", "back", "escape"),
    )  # fmt: skip


def _parts() -> tuple[Command, ...]:
    c = Command
    return (
        # bars
        c("find.next", "Next", "find", "step(1)", "f4,down"),
        c("find.previous", "Previous", "find", "step(-1)", "shift+enter,shift+f4,up"),
        c("find.replace_all", "Replace all", "find", "replace_all", "ctrl+enter,alt+a"),
        c("find.close", "Close", "find", "close", "escape"),
        c("search.previous", "Match above", "search", "step(-1)", "up"),
        c("search.next", "Match below", "search", "step(1)", "down"),
        c("search.close", "Close", "search", "close", "escape"),
        # what panes and screens show
        c("rows.page_up", "Page up", "rows", "page(-1)", "pageup"),
        c("rows.page_down", "Page down", "rows", "page(1)", "pagedown"),
        c("table.sort", "Sort by this column: up, down, as it was", "table", "sort", "s"),
        c("table.search", "Find a column", "table", "search", "slash"),
        c("table.next_match", "Next column found", "table", "next_match", "n"),
        c("table.up", "Up", "table", "move(-1, 0)", "up,k"),
        c("table.down", "Down", "table", "move(1, 0)", "down,j"),
        c("table.left", "Left", "table", "move(0, -1)", "left,h"),
        c("table.right", "Right", "table", "move(0, 1)", "right,l"),
        c("table.page_up", "Page up", "table", "page(-1)", "pageup"),
        c("table.page_down", "Page down", "table", "page(1)", "pagedown"),
        c("table.first", "First row", "table", "first", "ctrl+home,g"),
        c("table.last", "Last row", "table", "last", "ctrl+end,G"),
        c("table.home", "First column", "table", "move(0, -100000)", "home"),
        c("table.end", "Last column", "table", "move(0, 100000)", "end"),
        c("text.up", "Up", "text", "scroll_up", "up,k"),
        c("text.down", "Down", "text", "scroll_down", "down,j"),
        c("text.page_up", "Page up", "text", "page_up", "pageup"),
        c("text.page_down", "Page down", "text", "page_down", "pagedown,space"),
        c("text.first", "Beginning", "text", "scroll_home", "home,g"),
        c("text.last", "End", "text", "scroll_end", "end,G"),
        c("json.toggle", "Open or close", "json", "toggle_node", "space,enter"),
        c("json.toggle_all", "Open or close all of it", "json", "toggle_expand_all",
          "shift+space,a"),
        c("json.parent", "To what it is in", "json", "cursor_parent", "shift+left,left,h"),
        c("json.up", "Up", "json", "cursor_up", "up,k"),
        c("json.down", "Down", "json", "cursor_down", "down,j"),
        c("json.page_up", "Page up", "json", "page_up", "pageup"),
        c("json.page_down", "Page down", "json", "page_down", "pagedown"),
        c("json.first", "Beginning", "json", "scroll_home", "home,g"),
        c("json.last", "End", "json", "scroll_end", "end,G"),
        c("picture.zoom_in", "Zoom in", "picture", "zoom_in", "plus,equals_sign,i"),
        c("picture.zoom_out", "Zoom out", "picture", "zoom_out", "minus,o"),
        c("picture.whole", "Whole picture", "picture", "whole", "0,home"),
        c("picture.left", "Left", "picture", "pan(-1, 0)", "left,h"),
        c("picture.right", "Right", "picture", "pan(1, 0)", "right,l"),
        c("picture.up", "Up", "picture", "pan(0, -1)", "up,k"),
        c("picture.down", "Down", "picture", "pan(0, 1)", "down,j"),
        # screens of their own
        c("viewer.next", "Next", "viewer", "step(1)", "right_square_bracket,full_stop"),
        c("viewer.previous", "Previous", "viewer", "step(-1)", "left_square_bracket,comma"),
        c("viewer.save", "Save as…", "viewer", "save", "w"),
        c("viewer.copy", "Copy", "viewer", "copy", "c,y"),
        c("viewer.copy_path", "Copy its path", "viewer", "copy_path", "Y"),
        c("viewer.outside", "Open in another program", "viewer", "outside", "O"),
        c("viewer.close", "Close", "viewer", "close", "escape,q"),
        c("table_screen.reload", "Read again", "table_screen", "reload", "r"),
        c("table_screen.close", "Close", "table_screen", "close", "escape,q"),
        c("list.choose", "Choose", "list", "choose", "enter"),
        c("list.next", "Below", "list", "step(1)", "down,ctrl+n"),
        c("list.previous", "Above", "list", "step(-1)", "up,ctrl+p"),
        c("list.page_down", "Page down", "list", "step(10)", "pagedown"),
        c("list.page_up", "Page up", "list", "step(-10)", "pageup"),
        c("list.close", "Close", "list", "leave", "escape"),
        c("compare.next", "Below", "compare", "step(1)", "j"),
        c("compare.previous", "Above", "compare", "step(-1)", "k"),
        c("compare.reload", "Take the file's", "compare", "answer('reload')", "r"),
        c("compare.overwrite", "Save mine over it", "compare", "answer('overwrite')", "o"),
        c("compare.close", "Decide later", "compare", "leave", "q"),
        c("sessions.next", "Below", "sessions", "step(1)", "j"),
        c("sessions.previous", "Above", "sessions", "step(-1)", "k"),
        c("sessions.stop", "Stop it", "sessions", "stop", "s"),
        c("sessions.remove", "Remove it", "sessions", "remove", "d,delete"),
        c("sessions.search", "Search", "sessions", "search", "slash,ctrl+f"),
        c("sessions.close", "Close", "sessions", "leave", "q"),
        c("settings.next", "Below", "settings", "step(1)", "j"),
        c("settings.previous", "Above", "settings", "step(-1)", "k"),
        c("settings.change", "Change", "settings", "choose", "space"),
        c("settings.reset", "As by default", "settings", "reset", "r,delete,backspace"),
        c("settings.changed", "Only what was said", "settings", "only_changed", "c"),
        c("settings.search", "Search", "settings", "search", "slash,ctrl+f"),
        c("settings.close", "Close", "settings", "leave", "q"),
        c("kernels.look", "Look again", "kernels", "look", "ctrl+r"),
        c("keys.next", "Below", "keys", "step(1)", "j"),
        c("keys.previous", "Above", "keys", "step(-1)", "k"),
        c("keys.search", "Search", "keys", "search", "slash,ctrl+f"),
        c("keys.close", "Close", "keys", "leave", "escape,f1,q"),
        c("trust.trust", "Trust the folder", "trust", "answer('trust')", "t"),
        c("trust.restrict", "Keep it restricted", "trust", "answer('restrict')", "n,escape"),
        c("dialog.close", "Close", "dialog", "leave", "escape"),
        c("question.next", "Next answer", "question", "step(1)", "right,tab"),
        c("question.previous", "Previous answer", "question", "step(-1)", "left,shift+tab"),
    )  # fmt: skip


COMMANDS: tuple[Command, ...] = (
    *_table(),
    *(Command(row.id, row.description, "editor", row.action, row.keys) for row in DEFAULT_BINDINGS),
    *_parts(),
)
"""All of them; those of the code editor are as its own table says."""

BY_ID: dict[str, Command] = {command.id: command for command in COMMANDS}


def of(where: Where) -> list[Command]:
    """The commands of a place, in the order of the table."""
    return [command for command in COMMANDS if command.where == where]


_TYPED: frozenset[Where] = frozenset({"list", "dialog"})
_LOOKED_AT: frozenset[Where] = frozenset({"viewer", "table_screen"})


def bindings(where: Where) -> list[Binding]:
    """What the part of that name binds; keymaps change the keys by the commands' ids.

    A screen of its own binds help as well, which the program gives; and the palette, where no
    text is typed.
    """
    rows = [_binding(command, command.action, command.priority) for command in of(where)]
    if where in _TYPED | _LOOKED_AT:
        rows.append(_binding(BY_ID["app.help"], "app.help"))
    if where in _LOOKED_AT:
        rows.append(_binding(BY_ID["app.palette"], "app.palette"))
    return rows


def _binding(command: Command, action: str, priority: bool = False) -> Binding:
    return Binding(
        # A command without a key is bound to one that no keyboard has, so that a keymap
        # can give it another.
        command.keys or f"f63_{command.id.replace('.', '_')}",
        action,
        command.title,
        show=False,
        id=command.id,
        priority=priority,
    )
