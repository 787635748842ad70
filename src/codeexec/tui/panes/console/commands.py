"""Commands and keys of the console pane."""

from __future__ import annotations

from codeexec.tui.commands.command import Command, PaneMenu

COMMANDS: tuple[Command, ...] = (
    Command(
        "pane.console", "Go to the console", "anywhere", "go('console')", "alt+2", priority=True
    ),
    Command("console.previous", "Card above", "console", "card('step', -1)", "up,k"),
    Command("console.next", "Card below", "console", "card('step', 1)", "down,j"),
    Command("console.end", "To the newest line", "console", "card('end')", "end,G"),
    Command("console.top", "To the first line", "console", "card('top')", "home,g"),
    Command("console.fold", "Fold or unfold the card", "console", "card('fold')", "space"),
    Command(
        "console.enter",
        "Open its program in a terminal, or fold the card",
        "console",
        "card('enter')",
        "enter",
    ),
    Command(
        "console.code", "All of its code, or the beginning", "console", "card('fold_code')", "v"
    ),
    Command(
        "console.frames", "All frames of its traceback, or mine", "console", "card('frames')", "f"
    ),
    Command("console.source", "Go to where it failed", "console", "card('source')", "s"),
    Command("console.copy", "Copy its output", "console", "card('copy_output')", "c,y"),
    Command("console.copy_code", "Copy its code", "console", "card('copy_code')", "C"),
    Command("console.save", "Save its output…", "console", "card('save_output')", "w"),
    Command("console.export", "Export all output…", "console", "card('export')", "E"),
    Command("console.rerun", "Run it again", "console", "card('rerun')", "r"),
    Command("console.edit", "Send its code to the editor", "console", "card('edit')", "e"),
    Command("console.cancel", "Cancel or interrupt it", "console", "card('cancel')", "x"),
    Command("console.open", "Open its display", "console", "card('open_display')", "o"),
    Command(
        "console.outside", "Open its display in another program", "console", "card('outside')", "O"
    ),
    Command(
        "console.table",
        "Its table: filter, sort, count values",
        "console",
        "card('open_table')",
        "F",
    ),
    Command("console.browse", "Show it in a browser", "console", "card('browse')", "B"),
    Command("console.left", "Long rows to the left", "console", "card('sideways', -16)", "left,h"),
    Command(
        "console.right", "Long rows to the right", "console", "card('sideways', 16)", "right,l"
    ),
    Command(
        "console.search",
        "Search in all code and output",
        "console",
        "card('search')",
        "slash,ctrl+f",
    ),
    Command("console.search_next", "Next match", "console", "card('search_step', 1)", "n"),
    Command("console.search_previous", "Previous match", "console", "card('search_step', -1)", "N"),
    Command("console.prompt", "Back to the prompt", "console", "card('prompt')", "i,escape"),
    Command("prompt.submit", "Run, or a new line where code goes on", "prompt", "submit", "enter"),
    Command("prompt.run", "Run as it is", "prompt", "submit_now", "ctrl+enter,f5"),
    Command("prompt.newline", "New line", "prompt", "newline", "shift+enter,alt+enter,ctrl+j"),
    Command("prompt.complete", "Complete, or indent", "prompt", "complete", "tab"),
    Command("prompt.docs", "Documentation", "prompt", "docs", "shift+tab,alt+i"),
    Command(
        "prompt.page_up", "Scroll the cards up", "prompt", "scroll_cards(-1)", "pageup,shift+pageup"
    ),
    Command(
        "prompt.page_down",
        "Scroll the cards down",
        "prompt",
        "scroll_cards(1)",
        "pagedown,shift+pagedown",
    ),
    Command("prompt.cards", "To the cards above", "prompt", "to_cards", "escape,alt+up"),
    Command("prompt.cut", "Cut", "prompt", "cut"),
    Command("prompt.copy", "Copy", "prompt", "copy"),
    Command("prompt.paste", "Paste", "prompt", "paste"),
    Command("prompt.history", "Search what was run before", "prompt", "search_history", "ctrl+r"),
    Command(
        "prompt.older", "What was run before, or the line above", "prompt", "history_or_up", "up"
    ),
    Command(
        "prompt.newer", "What was run after, or the line below", "prompt", "history_or_down", "down"
    ),
)

MENUS = {
    "console": PaneMenu(
        ("", "console.copy", "prompt.paste"),
        (
            "console.copy_code",
            "console.rerun",
            "console.edit",
            "console.save",
            "console.fold",
            "console.search",
            "console.cancel",
        ),
    ),
    "prompt": PaneMenu(
        ("prompt.cut", "prompt.copy", "prompt.paste"),
        ("prompt.run", "prompt.docs", "prompt.history"),
    ),
}
