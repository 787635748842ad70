"""Key bindings of the editor as a table: id, action, keys, title. Keymaps may replace any row.

A key that terminals swallow (ctrl+enter, shift+enter, ctrl+slash) never stands alone, and
ctrl+h and ctrl+j are left to what they are on many terminals: backspace and a line feed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.binding import Binding

if TYPE_CHECKING:
    from collections.abc import Iterable


class KeyBinding(NamedTuple):
    """One row: `action` is an action of `CodeEditor`; of `keys`, separated by commas, the first is
    shown."""

    id: str
    action: str
    keys: str
    description: str


def _motion(name: str, keys: str, description: str) -> tuple[KeyBinding, KeyBinding]:
    """A motion, and the same with shift, which selects: kitty keeps ctrl and shift to itself."""
    shifted = ",".join(
        f"{key.replace('ctrl+', 'ctrl+shift+')},{key.replace('ctrl+', 'alt+shift+')}"
        if "ctrl+" in key
        else f"shift+{key}"
        for key in keys.split(",")
    )
    return (
        KeyBinding(f"editor.{name}", f"move('{name}')", keys, description),
        KeyBinding(
            f"editor.select_{name}",
            f"move('{name}', True)",
            shifted,
            f"Select: {description.lower()}",
        ),
    )


DEFAULT_BINDINGS: tuple[KeyBinding, ...] = (
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
    KeyBinding("editor.select_all", "select('all')", "ctrl+a", "Select all"),
    KeyBinding("editor.select_line", "select('line')", "ctrl+l", "Select line"),
    KeyBinding(
        "editor.matching_bracket",
        "move('matching_bracket')",
        "ctrl+right_square_bracket,f3",
        "To bracket",
    ),
    KeyBinding(
        "editor.previous_cell", "move('previous_cell')", "alt+pageup,ctrl+pageup", "Previous cell"
    ),
    KeyBinding("editor.next_cell", "move('next_cell')", "alt+pagedown,ctrl+pagedown", "Next cell"),
    KeyBinding("editor.scroll_up", "scroll_rows(-1)", "ctrl+up", "Scroll up"),
    KeyBinding("editor.scroll_down", "scroll_rows(1)", "ctrl+down", "Scroll down"),
    KeyBinding("editor.newline", "edit('newline')", "enter,ctrl+j", "New line"),
    KeyBinding("editor.line_below", "edit('line_below')", "alt+o", "Line below"),
    KeyBinding("editor.delete_left", "edit('delete_left')", "backspace,ctrl+h", "Delete left"),
    KeyBinding("editor.delete_right", "edit('delete_right')", "delete", "Delete right"),
    KeyBinding(
        "editor.delete_word_left",
        "edit('delete_word_left')",
        "ctrl+w,ctrl+backspace,alt+backspace",
        "Delete word",
    ),
    KeyBinding(
        "editor.delete_word_right",
        "edit('delete_word_right')",
        "alt+d,ctrl+delete",
        "Delete word right",
    ),
    KeyBinding(
        "editor.delete_to_line_end", "edit('delete_to_line_end')", "ctrl+k", "Delete to end of line"
    ),
    KeyBinding("editor.delete_line", "edit('delete_line')", "ctrl+shift+k,alt+k", "Delete line"),
    KeyBinding("editor.indent", "edit('indent')", "tab", "Indent"),
    KeyBinding("editor.outdent", "edit('outdent')", "shift+tab", "Outdent"),
    KeyBinding(
        "editor.toggle_comment",
        "edit('toggle_comment')",
        "ctrl+slash,ctrl+underscore,alt+c",
        "Comment",
    ),
    KeyBinding("editor.move_line_up", "edit('move_line_up')", "alt+up", "Move line up"),
    KeyBinding("editor.move_line_down", "edit('move_line_down')", "alt+down", "Move line down"),
    KeyBinding(
        "editor.duplicate_line", "edit('duplicate_line')", "ctrl+d,alt+shift+down", "Duplicate line"
    ),
    KeyBinding("editor.undo", "edit('undo')", "ctrl+z", "Undo"),
    KeyBinding("editor.redo", "edit('redo')", "ctrl+y,ctrl+shift+z", "Redo"),
    KeyBinding("editor.cut", "cut", "ctrl+x", "Cut"),
    KeyBinding("editor.copy", "copy", "ctrl+c,super+c", "Copy"),
    KeyBinding("editor.paste", "paste", "ctrl+v", "Paste"),
    KeyBinding("editor.find", "prompt('find')", "ctrl+f", "Find"),
    KeyBinding("editor.replace", "replace", "alt+r,ctrl+r", "Replace"),
    KeyBinding("editor.find_next", "find_again(1)", "f4,ctrl+n", "Find next"),
    KeyBinding("editor.find_previous", "find_again(-1)", "shift+f4,alt+n", "Find previous"),
    KeyBinding("editor.goto_line", "prompt('line')", "ctrl+g", "Go to line"),
    KeyBinding("editor.goto_cell", "prompt('cell')", "alt+g", "Go to cell"),
    KeyBinding("editor.goto_symbol", "prompt('symbol')", "alt+s", "Go to symbol"),
    KeyBinding("editor.toggle_wrap", "toggle('soft_wrap')", "alt+z", "Soft wrap"),
    KeyBinding("editor.toggle_numbers", "toggle('line_numbers')", "", "Line numbers"),
    KeyBinding("page.toggle", "page('toggle')", "alt+u", "Page or text"),
    KeyBinding("page.whole", "page('whole')", "shift+f2", "Output whole or bounded"),
    KeyBinding("page.collapse", "page('collapse')", "shift+f11", "Collapse output"),
    KeyBinding("page.table", "page('table')", "", "Table of the output: filter, sort"),
    KeyBinding("page.scroll_left", "page('scroll_left')", "", "Output: scroll left"),
    KeyBinding("page.scroll_right", "page('scroll_right')", "", "Output: scroll right"),
    KeyBinding("page.scroll_up", "page('scroll_up')", "", "Output: scroll up"),
    KeyBinding("page.scroll_down", "page('scroll_down')", "", "Output: scroll down"),
    KeyBinding("page.fold", "page('toggle_section')", "alt+shift+z", "Fold or unfold the section"),
    KeyBinding("page.fold_all", "page('fold_all')", "", "Fold all sections"),
    KeyBinding("page.unfold_all", "page('unfold_all')", "", "Unfold all sections"),
    KeyBinding("cell.run", "page('run_selected')", "", "Run the selected cells"),
    KeyBinding("cell.insert_above", "page('insert_above')", "", "Insert a cell above"),
    KeyBinding("cell.insert_below", "page('insert_below')", "", "Insert a cell below"),
    KeyBinding("cell.delete", "page('delete')", "", "Delete the cell"),
    KeyBinding("cell.move_up", "page('move_up')", "", "Move the cell up"),
    KeyBinding("cell.move_down", "page('move_down')", "", "Move the cell down"),
    KeyBinding("cell.copy", "page('copy')", "", "Copy the cell"),
    KeyBinding("cell.cut", "page('cut')", "", "Cut the cell"),
    KeyBinding("cell.paste", "page('paste')", "", "Paste cells below"),
    KeyBinding("cell.paste_above", "page('paste_above')", "", "Paste cells above"),
    KeyBinding("cell.split", "page('split')", "", "Split the cell at the caret"),
    KeyBinding("cell.merge", "page('merge')", "", "Merge cells, or with the one below"),
    KeyBinding("cell.to_code", "page('to_code')", "", "Cell to code"),
    KeyBinding("cell.to_markdown", "page('to_markdown')", "", "Cell to Markdown"),
    KeyBinding("cell.to_raw", "page('to_raw')", "", "Cell to raw text"),
    KeyBinding("cell.language", "page('language')", "alt+colon", "Set the language of the cell…"),
    KeyBinding(
        "cell.insert_language", "page('insert_language')", "", "Add a cell in another language…"
    ),
    KeyBinding("cell.clear", "page('clear')", "", "Clear the output of the cell"),
    KeyBinding("cell.clear_all", "page('clear_all')", "", "Clear all outputs"),
    KeyBinding("page.run_stale", "page('run_stale')", "", "Run stale cells"),
    KeyBinding("editor.complete", "complete", "ctrl+space,ctrl+@,alt+slash", "Complete"),
    KeyBinding("editor.inspect", "inspect", "alt+i,shift+f1", "Documentation"),
    KeyBinding("editor.dismiss", "dismiss", "escape", "Dismiss"),
    KeyBinding("editor.cell_below", "edit('cell_below')", "alt+j,alt+b", "New cell below"),
    KeyBinding("editor.cell_above", "edit('cell_above')", "alt+a", "New cell above"),
    KeyBinding("run.cell", "run_cells('cell')", "ctrl+enter,f5", "Run cell"),
    KeyBinding("run.advance", "run_advance", "shift+enter,f6", "Run cell and advance"),
    KeyBinding("run.selection", "run_cells('selection')", "alt+enter,f7", "Run selection or line"),
    KeyBinding("run.above", "run_cells('above')", "alt+shift+a,alt+comma", "Run cells above"),
    KeyBinding(
        "run.below", "run_cells('below')", "alt+shift+b,alt+full_stop", "Run cell and below"
    ),
    KeyBinding("run.all", "run_cells('all')", "ctrl+f5,f8", "Run all cells"),
    KeyBinding("run.file", "run_cells('file')", "shift+f5,alt+f", "Run file"),
    KeyBinding("run.program", "run_cells('program')", "alt+shift+f", "Run as a program"),
    KeyBinding("run.restart", "run_cells('restart')", "ctrl+shift+f5,alt+x", "Restart and run all"),
)


def bindings(table: Iterable[KeyBinding] = DEFAULT_BINDINGS) -> list[Binding]:
    """The table as Textual wants it; rows without keys are left to the palette."""
    return [
        Binding(row.keys, row.action, row.description, show=False, id=row.id)
        for row in table
        if row.keys
    ]
