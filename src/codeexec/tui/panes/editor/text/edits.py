"""Editing commands as functions on the model; each is one undo step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codeexec.tui.panes.editor.text.motions import (
    indentation,
    left,
    matching_bracket,
    right,
    word_left,
    word_right,
)
from codeexec.tui.panes.editor.text.text import Location, Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from codeexec.tui.panes.editor.text.model import EditorModel

_QUOTES = "\"'`"


def insert(model: EditorModel, text: str, *, kind: str = "") -> bool:
    """Put `text` in place of the selection, as it is."""
    return model.edit([(model.selection.start, model.selection.end, text)], kind=kind)


def type_text(model: EditorModel, text: str) -> bool:
    """What a key types: with brackets closed, stepped over, and put around a selection."""
    pairs = {pair[0]: pair[1] for pair in model.language_here.pairs}
    selection, line, column = model.selection, model.line, model.cursor.column
    if text in pairs and not selection.is_empty:
        return _surround(model, text, pairs[text])
    following = line[column : column + 1]
    if selection.is_empty and following == text and text in pairs.values():
        model.selection = Selection.at(right(model.lines, model.cursor))
        return True
    if selection.is_empty and text in pairs and _may_close(line, column, text, pairs):
        cursor = Selection.at(Location(model.cursor.line, column + len(text)))
        return model.edit([(model.cursor, model.cursor, text + pairs[text])], cursor, "type")
    done = insert(model, text, kind="type")
    if done and text in ")]}" and not line[:column].strip():
        _align_closing(model)
    return done


def _may_close(line: str, column: int, text: str, pairs: dict[str, str]) -> bool:
    preceding, following = line[column - 1 : column], line[column : column + 1]
    open_space = not following or following.isspace() or following in ")]},:;"
    if text not in _QUOTES:
        return open_space
    # A quote after a letter is an apostrophe (or ends a string), after a quote it closes.
    prefix = (
        preceding.isalpha()
        and preceding.lower() in "rbfu"
        and not line[column - 2 : column - 1].isalnum()
    )
    return (
        open_space
        and preceding != text
        and (not (preceding.isalnum() or preceding == "_") or prefix)
    )


def _surround(model: EditorModel, opening: str, closing: str) -> bool:
    start, end = model.selection.start, model.selection.end
    shift = len(opening) if start.line == end.line else 0
    inner = Selection(
        Location(start.line, start.column + len(opening)), Location(end.line, end.column + shift)
    )
    if model.selection.cursor == start:
        inner = Selection(inner.cursor, inner.anchor)
    return model.edit([(start, start, opening), (end, end, closing)], inner)


def _align_closing(model: EditorModel) -> None:
    """A closing bracket alone on its line goes under the line that opened it."""
    pair = matching_bracket(model.lines, model.cursor)
    if pair is None or pair[1].line == model.cursor.line:
        return
    old = indentation(model.line)
    new = indentation(model.lines[pair[1].line])
    line, column = model.cursor
    if old != new:
        selection = Selection.at(Location(line, column - len(old) + len(new)))
        model.edit([(Location(line, 0), Location(line, len(old)), new)], selection, "type")


def newline(model: EditorModel) -> bool:
    """A new line, indented like this one, deeper after what opens a block, shallower after
    what ends one; between brackets the closing one gets a line of its own."""
    if prefix := _comment_before(model):
        return _newline_in_comment(model, prefix)
    language = model.language_here
    start, end = model.selection.start, model.selection.end
    head = model.lines[start.line][: start.column]
    tail = model.lines[end.line][end.column :]
    indent = indentation(head)
    code = head.split(f" {language.comment}")[0].rstrip()
    deeper = _ends_with(code, language.opens)
    drop = len(tail) - len(tail.lstrip(" \t"))
    end = Location(end.line, end.column + drop)
    if deeper:
        closing = bool(tail.strip()) and code[-1:] + tail.strip()[:1] in language.pairs
        below = f"\n{indent}" if closing else ""
        cursor = Location(start.line + 1, len(indent) + len(language.indent))
        text = f"\n{indent}{language.indent}{below}"
        return model.edit([(start, end, text)], Selection.at(cursor))
    tokens = code.split()
    if tokens and tokens[0] in language.dedents and indent.endswith(language.indent):
        indent = indent[: -len(language.indent)]
    # A line of nothing but blanks leaves none behind.
    if not head.strip() and start == model.selection.end:
        start = Location(start.line, 0)
    return model.edit([(start, end, f"\n{indent}")])


def _comment_before(model: EditorModel) -> str:
    """What comments out the code of the line at the cursor, in a cell of another language of a
    script; empty elsewhere."""
    line, column = model.selection.start
    cells = model.cells
    if not cells.form(cells.at(line)).is_commented or cells.separator_at(line) is not None:
        return ""
    marker, text = cells.marker, model.lines[line]
    prefix = f"{marker} " if text.startswith(f"{marker} ") else marker
    return prefix if text.startswith(prefix) and column >= len(prefix) else ""


def _newline_in_comment(model: EditorModel, prefix: str) -> bool:
    """A new line of commented code, indented as its language has it."""
    start, end = model.selection.start, model.selection.end
    code = model.lines[start.line][len(prefix) : start.column]
    language = model.named_language(model.cells.form(model.cells.at(start.line)).language)
    deeper = language.indent if _ends_with(code.rstrip(), language.opens) else ""
    text = f"\n{model.cells.marker} {indentation(code)}{deeper}"
    return model.edit([(start, end, text)])


def _ends_with(code: str, endings: tuple[str, ...]) -> bool:
    for ending in endings:
        if code.endswith(ending):
            preceding = code[: -len(ending)][-1:]
            if not ending.isalpha() or not (preceding.isalnum() or preceding == "_"):
                return True
    return False


def delete_left(model: EditorModel) -> bool:
    """The selection, an empty pair of brackets, a level of indentation, or one character."""
    if not model.selection.is_empty:
        return insert(model, "")
    line, column = model.cursor
    head, tail = model.line[:column], model.line[column:]
    unit = len(model.language_here.indent)
    if head and tail and head[-1] + tail[0] in model.language_here.pairs:
        stop = Location(line, column + 1)
        return model.edit([(Location(line, column - 1), stop, "")], kind="delete")
    if head and not head.strip(" ") and model.language_here.indent != "\t":
        start = Location(line, (column - 1) // unit * unit)
        return model.edit([(start, model.cursor, "")], kind="delete")
    return model.edit([(left(model.lines, model.cursor), model.cursor, "")], kind="delete")


def delete_right(model: EditorModel) -> bool:
    return _delete_to(model, right)


def delete_word_left(model: EditorModel) -> bool:
    return _delete_to(model, word_left)


def delete_word_right(model: EditorModel) -> bool:
    return _delete_to(model, word_right)


def delete_to_line_end(model: EditorModel) -> bool:
    """The rest of the line; at its end, the line break."""
    end = Location(model.cursor.line, len(model.line))
    if not model.selection.is_empty or model.cursor == end:
        return delete_right(model)
    return model.edit([(model.cursor, end, "")])


def _delete_to(model: EditorModel, motion: Callable[[list[str], Location], Location]) -> bool:
    if not model.selection.is_empty:
        return insert(model, "")
    start, end = sorted((model.cursor, motion(model.lines, model.cursor)))
    return model.edit([(start, end, "")], kind="delete")


def delete_lines(model: EditorModel) -> bool:
    first, last = model.line_range()
    lines = model.lines
    if last + 1 < len(lines):
        start, end = Location(first, 0), Location(last + 1, 0)
    elif first:
        start, end = Location(first - 1, len(lines[first - 1])), Location(last, len(lines[last]))
    else:
        start, end = Location(0, 0), model.buffer.end
    return model.edit([(start, end, "")])


def _rewrite(model: EditorModel, first: int, fresh: list[str], count: int) -> bool:
    """Lines become others, as one change, and the selection keeps to its text."""
    old = model.lines[first : first + count]
    if fresh == old:
        return False

    def moved(at: Location) -> Location:
        if not first <= at.line < first + count or at.column == 0:
            return at
        grown = len(fresh[at.line - first]) - len(old[at.line - first])
        return Location(at.line, max(0, at.column + grown))

    end = Location(first + count - 1, len(old[-1]))
    selection = Selection(moved(model.selection.anchor), moved(model.selection.cursor))
    return model.edit([(Location(first, 0), end, "\n".join(fresh))], selection)


def indent(model: EditorModel) -> bool:
    """Each line of the selection one level deeper; without one, to the next tab stop."""
    unit = model.language_here.indent
    if model.selection.start.line == model.selection.end.line:
        fill = (
            unit if unit == "\t" else " " * (len(unit) - model.selection.start.column % len(unit))
        )
        return insert(model, fill)
    return indent_lines(model)


def indent_lines(model: EditorModel) -> bool:
    first, last = model.line_range()
    lines = model.lines[first : last + 1]
    fresh = [model.language_here.indent + line if line.strip() else line for line in lines]
    return _rewrite(model, first, fresh, len(lines))


def outdent_lines(model: EditorModel) -> bool:
    first, last = model.line_range()
    lines = model.lines[first : last + 1]
    return _rewrite(model, first, [_outdented(line, model.tab) for line in lines], len(lines))


def _outdented(line: str, tab: int) -> str:
    if line.startswith("\t"):
        return line[1:]
    return line[min(tab, len(line) - len(line.lstrip(" "))) :]


def toggle_comment(model: EditorModel) -> bool:
    """Comment the lines out where their code begins; if all are, bring them back."""
    first, last = model.line_range()
    lines = model.lines[first : last + 1]
    opening, closing = model.language_here.block or (f"{model.language_here.comment} ", "")
    bare = opening.rstrip()
    code = [line for line in lines if line.strip()]
    if not code:
        return False
    if all(line.lstrip().startswith(bare) for line in code):
        return _rewrite(
            model, first, [_uncommented(x, opening, closing) for x in lines], len(lines)
        )
    depth = min(len(indentation(line)) for line in code)
    fresh = [
        f"{line[:depth]}{opening}{line[depth:]}{closing}" if line.strip() else line
        for line in lines
    ]
    return _rewrite(model, first, fresh, len(lines))


def _uncommented(line: str, opening: str, closing: str) -> str:
    blank = indentation(line)
    content = line[len(blank) :]
    content = content.removeprefix(opening if content.startswith(opening) else opening.rstrip())
    return blank + content.removesuffix(closing) if closing else blank + content


def move_lines(model: EditorModel, step: int) -> bool:
    """The lines of the selection up (-1) or down (1), over the line that is there."""
    first, last = model.line_range()
    lines = model.lines
    if not first + min(step, 0) >= 0 or last + max(step, 0) >= len(lines):
        return False
    block = lines[first : last + 1]
    other = lines[first - 1] if step < 0 else lines[last + 1]
    fresh = [*block, other] if step < 0 else [other, *block]
    top = first + min(step, 0)
    end = Location(top + len(fresh) - 1, len(lines[top + len(fresh) - 1]))
    selection = Selection(*(Location(at.line + step, at.column) for at in model.selection))
    return model.edit([(Location(top, 0), end, "\n".join(fresh))], selection)


def duplicate_lines(model: EditorModel) -> bool:
    """The lines of the selection again, below, with the selection on the copy."""
    first, last = model.line_range()
    block = model.lines[first : last + 1]
    end = Location(last, len(model.lines[last]))
    selection = Selection(*(Location(at.line + len(block), at.column) for at in model.selection))
    return model.edit([(end, end, "\n" + "\n".join(block))], selection)


def insert_line(model: EditorModel, below: bool) -> bool:
    """An empty line below or above, indented like this one, with the cursor on it."""
    line = model.cursor.line
    indent = indentation(model.lines[line])
    if below:
        model.select(Location(line, len(model.lines[line])))
        return newline(model)
    start = Location(line, 0)
    return model.edit([(start, start, f"{indent}\n")], Selection.at(Location(line, len(indent))))


def _has_blank_before_cells(model: EditorModel) -> bool:
    """Whether the cells of the text are set apart by blank lines; a single one shall be."""
    starts = [model.cells.span(index)[0] for index in range(len(model.cells))]
    before = [model.lines[start - 1] for start in starts if start > 0]
    return not before or any(not line.strip() for line in before)


def insert_cell(model: EditorModel, below: bool) -> bool:
    """An empty code cell below or above the one that the cursor is in."""
    if model.cells.is_fenced:
        return _insert_fence(model, below=below)
    first, end = model.cells.span(model.cells.at(model.cursor.line))
    separator = f"{model.language.comment} %%"
    if not below:
        at = Location(first, 0)
        selection = Selection.at(Location(first + 1, 0))
        return model.edit([(at, at, f"{separator}\n\n")], selection)
    if end < len(model.lines):
        at = Location(end, 0)
        return model.edit([(at, at, f"{separator}\n\n")], Selection.at(Location(end + 1, 0)))
    gap = "\n" if model.lines[-1] else ""
    last_text = model.lines[-1] or (model.lines[-2] if len(model.lines) > 1 else "")
    if last_text and _has_blank_before_cells(model):
        gap += "\n"
    return model.edit([(model.buffer.end, model.buffer.end, f"{gap}{separator}\n")])


def _insert_fence(model: EditorModel, *, below: bool) -> bool:
    """An empty fence, the caret in it."""
    first, end = model.cells.span(model.cells.at(model.cursor.line))
    fence = f"```{model.cells.info}\n\n```\n"
    if not below:
        at = Location(first, 0)
        return model.edit([(at, at, f"{fence}\n")], Selection.at(Location(first + 1, 0)))
    if end < len(model.lines):
        at, gap = Location(end, 0), "" if not model.lines[end - 1].strip() else "\n"
        caret = Location(end + len(gap) + 1, 0)
        return model.edit([(at, at, f"{gap}{fence}\n")], Selection.at(caret))
    is_blank = len(model.lines) == 1 and not model.lines[0]
    gap = "" if is_blank else "\n" if not model.lines[-1] else "\n\n"
    caret = Location(len(model.lines) - 1 + len(gap) + 1, 0)
    return model.edit([(model.buffer.end, model.buffer.end, f"{gap}{fence}")], Selection.at(caret))


def append_spare_cell(model: EditorModel) -> None:
    """A last cell to go on in, as the one before is run: it is not saved while it is empty."""
    length = len(model.lines), len(model.lines[-1])
    if insert_cell(model, below=True):
        line, column = length
        start = Location(line - 1, column)
        model.shared.note_spare(model.buffer.text(start, model.buffer.end))
