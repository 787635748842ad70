"""Commands and keys of the terminal pane.

The scope `terminal` has the keys while the pane is looked at, `terminal_keys` those that remain
while every other key goes to the program.
"""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command(
        "pane.terminal",
        "Go to the terminal",
        "anywhere",
        "go_to_terminal",
        "alt+shift+h",
        "A shell of the session; the first time opens one.",
        priority=True,
    ),
    Command(
        "terminal.new",
        "New terminal",
        "anywhere",
        "new_terminal",
        "",
        "In the folder of the document in front.",
    ),
    Command(
        "terminal.join",
        "Join a terminal of the server…",
        "anywhere",
        "join_terminal",
        "",
        "One that others opened on the Jupyter server; closed here, it goes on there.",
    ),
    Command(
        "terminal.run",
        "Run this line or selection in the shell",
        "anywhere",
        "run_in_shell",
        "ctrl+f4",
    ),
    Command("terminal.next", "Next terminal", "anywhere", "next_terminal(1)"),
    Command("terminal.previous", "Previous terminal", "anywhere", "next_terminal(-1)"),
    Command(
        "terminal.beside",
        "Terminal beside the console, or in its place",
        "anywhere",
        "terminal_beside",
    ),
    Command("terminal.full", "Terminal on the whole screen", "anywhere", "full_terminal"),
    Command(
        "pane.toggle_terminal", "Show or hide the terminal", "anywhere", "toggle_pane('terminal')"
    ),
    Command(
        "terminal.enter",
        "Type into the program; start it again where it has ended",
        "terminal",
        "enter_terminal",
        "enter,i",
    ),
    Command("terminal.up", "Line up", "terminal", "read('move', 0, -1)", "up,k"),
    Command("terminal.down", "Line down", "terminal", "read('move', 0, 1)", "down,j"),
    Command("terminal.page_up", "Page up", "terminal", "read('page', -1)", "pageup"),
    Command("terminal.page_down", "Page down", "terminal", "read('page', 1)", "pagedown,space"),
    Command("terminal.first", "To the oldest line", "terminal", "read('first')", "home,g"),
    Command("terminal.last", "To the newest line", "terminal", "read('last')", "end,G"),
    Command("terminal.mark", "Begin or end selecting", "terminal", "read('mark')", "v"),
    Command("terminal.left", "Cursor left", "terminal", "read('move', -1, 0)", "left,h"),
    Command("terminal.right", "Cursor right", "terminal", "read('move', 1, 0)", "right,l"),
    Command("terminal.copy", "Copy the selection, or the line", "terminal", "read('copy')", "c,y"),
    Command("terminal.paste", "Paste", "terminal", "paste_terminal", "ctrl+v"),
    Command("terminal.search", "Search", "terminal", "search", "slash,ctrl+f"),
    Command("terminal.search_next", "Next match", "terminal", "search_step(1)", "n"),
    Command("terminal.search_previous", "Previous match", "terminal", "search_step(-1)", "N"),
    Command("terminal.export", "Export screen and scrollback…", "terminal", "read('export')", "w"),
    Command(
        "terminal.command_up",
        "Previous command",
        "terminal",
        "read('jump', -1)",
        "p,left_square_bracket",
    ),
    Command(
        "terminal.command_down",
        "Next command",
        "terminal",
        "read('jump', 1)",
        "P,right_square_bracket",
    ),
    Command(
        "terminal.copy_output",
        "Copy the output of the command",
        "terminal",
        "read('copy_output')",
        "o",
    ),
    Command("terminal.rerun", "Run the command again", "terminal", "rerun_command", "r"),
    Command(
        "terminal.to_editor", "Send the selection to the editor", "terminal", "send('editor')", "e"
    ),
    Command(
        "terminal.to_console",
        "Send the selection to the console",
        "terminal",
        "send('console')",
        "E",
    ),
    Command("terminal.take_size", "Fit the size to this client", "terminal", "take_size", "z"),
    Command("terminal.close", "Close the terminal", "terminal", "close_terminal", "x"),
    Command("terminal.back", "Back to the editor", "terminal", "back", "escape"),
    Command(
        "terminal.leave",
        "Leave the program; twice sends the key to it",
        "terminal_keys",
        "leave",
        "ctrl+right_square_bracket",
    ),
)

MENUS = {
    "terminal": PaneMenu(
        ("", "terminal.copy", "terminal.paste"),
        (
            "terminal.new",
            "terminal.join",
            "terminal.search",
            "terminal.copy_output",
            "terminal.rerun",
            "terminal.to_editor",
            "terminal.export",
            "terminal.beside",
            "terminal.close",
        ),
    ),
}
