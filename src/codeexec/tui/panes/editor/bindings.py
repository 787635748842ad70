"""The keys of the editor as a table: id, action, keys, words. Keymaps may replace any row.

A key that terminals swallow (ctrl+enter, shift+enter, ctrl+slash) never stands alone, and
ctrl+h and ctrl+j are left to what they are on many terminals: backspace and a line feed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Iterable


class Key(NamedTuple):
    """One row: keys are separated by commas, the first is the one to show."""

    id: str
    action: str
    keys: str
    description: str


def _motion(name: str, keys: str, words: str) -> tuple[Key, Key]:
    """A motion, and the same with shift, which selects."""
    shifted = ",".join(
        key.replace("ctrl+", "ctrl+shift+") if "ctrl+" in key else f"shift+{key}"
        for key in keys.split(",")
    )
    return (
        Key(f"editor.{name}", name, keys, words),
        Key(f"editor.select_{name}", f"select_{name}", shifted, f"Select: {words.lower()}"),
    )


DEFAULT_BINDINGS: tuple[Key, ...] = (
    *_motion("left", "left", "Left"),
    *_motion("right", "right", "Right"),
    *_motion("up", "up", "Up"),
    *_motion("down", "down", "Down"),
    *_motion("word_left", "ctrl+left", "Word left"),
    *_motion("word_right", "ctrl+right", "Word right"),
    *_motion("home", "home", "Beginning of line"),
    *_motion("line_end", "end", "End of line"),
    *_motion("page_up", "pageup", "Page up"),
    *_motion("page_down", "pagedown", "Page down"),
    *_motion("text_start", "ctrl+home", "Beginning of text"),
    *_motion("text_end", "ctrl+end", "End of text"),
    Key("editor.select_all", "select_all", "ctrl+a", "Select all"),
    Key("editor.select_line", "select_line", "ctrl+l", "Select line"),
    Key(
        "editor.matching_bracket", "matching_bracket", "ctrl+right_square_bracket,f3", "To bracket"
    ),
    Key("editor.previous_cell", "previous_cell", "alt+pageup,ctrl+pageup", "Previous cell"),
    Key("editor.next_cell", "next_cell", "alt+pagedown,ctrl+pagedown", "Next cell"),
    Key("editor.scroll_up", "scroll_line_up", "ctrl+up", "Scroll up"),
    Key("editor.scroll_down", "scroll_line_down", "ctrl+down", "Scroll down"),
    Key("editor.newline", "newline", "enter,ctrl+j", "New line"),
    Key("editor.line_below", "line_below", "alt+o", "Line below"),
    Key("editor.delete_left", "delete_left", "backspace,ctrl+h", "Delete left"),
    Key("editor.delete_right", "delete_right", "delete", "Delete right"),
    Key(
        "editor.delete_word_left",
        "delete_word_left",
        "ctrl+w,ctrl+backspace,alt+backspace",
        "Delete word",
    ),
    Key("editor.delete_word_right", "delete_word_right", "alt+d,ctrl+delete", "Delete word right"),
    Key("editor.delete_to_line_end", "delete_to_line_end", "ctrl+k", "Delete to end of line"),
    Key("editor.delete_line", "delete_line", "ctrl+shift+k,alt+k", "Delete line"),
    Key("editor.indent", "indent", "tab", "Indent"),
    Key("editor.outdent", "outdent", "shift+tab", "Outdent"),
    Key("editor.toggle_comment", "toggle_comment", "ctrl+slash,ctrl+underscore,alt+c", "Comment"),
    Key("editor.move_line_up", "move_line_up", "alt+up", "Move line up"),
    Key("editor.move_line_down", "move_line_down", "alt+down", "Move line down"),
    Key("editor.duplicate_line", "duplicate_line", "ctrl+d,alt+shift+down", "Duplicate line"),
    Key("editor.undo", "undo", "ctrl+z", "Undo"),
    Key("editor.redo", "redo", "ctrl+y,ctrl+shift+z", "Redo"),
    Key("editor.cut", "cut", "ctrl+x", "Cut"),
    Key("editor.copy", "copy", "ctrl+c,super+c", "Copy"),
    Key("editor.paste", "paste", "ctrl+v", "Paste"),
    Key("editor.find", "find", "ctrl+f", "Find"),
    Key("editor.replace", "replace", "alt+r,ctrl+r", "Replace"),
    Key("editor.find_next", "find_next", "f4,ctrl+n", "Find next"),
    Key("editor.find_previous", "find_previous", "shift+f4,alt+n", "Find previous"),
    Key("editor.goto_line", "goto_line", "ctrl+g", "Go to line"),
    Key("editor.goto_cell", "goto_cell", "alt+g", "Go to cell"),
    Key("editor.goto_symbol", "goto_symbol", "alt+s", "Go to symbol"),
    Key("editor.toggle_wrap", "toggle_wrap", "alt+z", "Soft wrap"),
    Key("editor.toggle_numbers", "toggle_numbers", "", "Line numbers"),
    Key("editor.complete", "complete", "ctrl+space,ctrl+@,alt+slash", "Complete"),
    Key("editor.inspect", "inspect", "alt+i,shift+f1", "Documentation"),
    Key("editor.dismiss", "dismiss", "escape", "Dismiss"),
    Key("editor.cell_below", "cell_below", "alt+j,alt+b", "New cell below"),
    Key("editor.cell_above", "cell_above", "alt+a", "New cell above"),
    Key("run.cell", "run_cell", "ctrl+enter,f5", "Run cell"),
    Key("run.advance", "run_advance", "shift+enter,f6", "Run cell and advance"),
    Key("run.selection", "run_selection", "alt+enter,f7", "Run selection or line"),
    Key("run.above", "run_above", "alt+shift+a,alt+comma", "Run cells above"),
    Key("run.below", "run_below", "alt+shift+b,alt+full_stop", "Run cell and below"),
    Key("run.all", "run_all", "ctrl+f5,f8", "Run all cells"),
    Key("run.file", "run_file", "shift+f5,alt+f", "Run file"),
    Key("run.program", "run_program", "alt+shift+f", "Run as a program"),
    Key("run.restart", "run_restart", "ctrl+shift+f5,alt+x", "Restart and run all"),
)


def bindings(table: Iterable[Key] = DEFAULT_BINDINGS) -> list[Binding]:
    """The table as Textual wants it; rows without keys are left to the palette."""
    return [
        Binding(row.keys, row.action, row.description, show=False, id=row.id)
        for row in table
        if row.keys
    ]
