"""Paint one editor row: gutter, code, marks, and overlays."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from codeexec.documents.model import CellKind
from codeexec.domain.errors import UsageError
from codeexec.domain.text.words import duration
from codeexec.tui.layout import number_columns
from codeexec.tui.panes.editor.marks import GLYPHS, CellMark, CellState, Severity
from codeexec.tui.panes.editor.text.cell_colors import cell_spans
from codeexec.tui.panes.editor.text.columns import LONG, drawn, to_cell, to_column
from codeexec.tui.panes.editor.text.motions import matching_bracket
from codeexec.tui.panes.editor.text.search import Pattern, matches
from codeexec.tui.render.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codeexec.tui.panes.editor.layer import EditorLayer
    from codeexec.tui.panes.editor.marks import LineDiagnostic
    from codeexec.tui.panes.editor.styles import EditorStyles
    from codeexec.tui.panes.editor.text.blocks import Block, BlockContent
    from codeexec.tui.panes.editor.text.lexer_syntax import Span
    from codeexec.tui.panes.editor.text.model import EditorModel
    from codeexec.tui.panes.editor.text.syntax import Syntax
    from codeexec.tui.panes.editor.text.text import Location, TextChange

_DIAGNOSTIC_GLYPHS = {Severity.ERROR: "●", Severity.WARN: "▲", Severity.INFO: "·"}
_RULE = "─"
_CURRENT = "▎"
_TO_RUN = "▷"
"""Where a click runs a cell that has not run."""


def _cut(text: str, room: int) -> str:
    """What fits; what does not ends in an ellipsis."""
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…" * (room > 0)


_SETTLED = (CellState.OK, CellState.FAILED)


class Painter:
    """What is on screen, derived from the model and from what others told us to mark."""

    def __init__(self, model: EditorModel, syntax: Syntax, styles: EditorStyles) -> None:
        self.model = model
        self.syntax = syntax
        self.styles = styles
        self.focused = False
        self.show_numbers = True
        self.pattern: Pattern | None = None
        self.marks: Mapping[str, CellMark] = {}
        self._edited: dict[str, bool] = {}  # of marked cells, as far as it was looked at
        self.diagnostics: dict[int, LineDiagnostic] = {}
        self.block_contents: dict[str, BlockContent] = {}
        self.text_layer: EditorLayer | None = None
        self.selected_cells: range | None = None
        """Cells that keys act on as a whole: then there is no caret."""
        self.brackets: tuple[Location, ...] = ()
        self.marks_brackets_unfocused = True
        self._spans: dict[int, list[Span]] = {}
        self._painted: dict[int, list[Span]] = {}
        self._base = Style.null()
        self._based: dict[Style | None, Style] = {}

    @property
    def gutter(self) -> int:
        """Cells before the code: a mark, the number of the line, the bar of the current cell."""
        digits = number_columns(len(self.model.lines)) if self.show_numbers else 0
        return digits + 3

    def forget_colors(self, lines: Iterable[int] | None = None) -> None:
        """The text or its tree has changed: everywhere, or in these lines."""
        if lines is None:
            self._spans = {}
            return
        for line in lines:
            self._spans.pop(line, None)
            self._painted.pop(line, None)

    def recolor(self) -> list[int]:
        """The tree has caught up with the text: the painted lines that look different now."""
        old = self._painted
        if not old:
            return []
        first, last = min(old), min(max(old), len(self.model.lines) - 1)
        self._ask(first, last)
        return [line for line, spans in self._spans.items() if spans != old.get(line)]

    def _ask(self, first: int, last: int) -> None:
        spans = self.syntax.spans(first, last)
        if self.model.cells.has_languages:
            spans = spans | cell_spans(self.model, first, last)
        self._spans = {line: spans.get(line, []) for line in range(first, last + 1)}
        self._painted = self._spans

    def match_brackets(self) -> None:
        selection = self.model.selection
        pair = matching_bracket(self.model.lines, selection.cursor) if selection.is_empty else None
        self.brackets = pair or ()

    def prepare(self, top: int, rows: int) -> None:
        """Rows `top` to `top + rows` are about to be painted."""
        first = self.model.rows.line_at(top)[0]
        last = self.model.rows.line_at(top + max(rows, 1) - 1)[0]
        missing = [line for line in range(first, last + 1) if line not in self._spans]
        if missing:
            old_spans, old_painted = self._spans, self._painted
            self._ask(missing[0], missing[-1])
            reused = {line: old_spans[line] for line in range(first, last + 1) if line in old_spans}
            self._spans = {**reused, **self._spans}
            # Lines that are not painted anew with this frame still look as they did.
            self._painted = {line: old_painted.get(line, self._spans[line]) for line in self._spans}

    def shift_diagnostics(self, change: TextChange) -> None:
        """Keep diagnostics at their lines after a change that adds or removes lines."""
        shift, last = change.line_shift, change.old_end.line
        # What is put in before the first character of a line moves the whole line.
        is_above = not change.removed and change.start.column == 0
        first = change.start.line + (not is_above)
        if any(line >= first for line in self.diagnostics):
            self.diagnostics = {
                line + (shift if line >= max(first, last) else 0): diagnostic
                for line, diagnostic in self.diagnostics.items()
            }

    def tone_of(self, line: int, diagnostic: LineDiagnostic) -> str:
        """Colour of a diagnostic: that of its severity, or faint once its line was edited."""
        is_stale = diagnostic.is_stale(self.model.lines[line])
        return "faint" if is_stale else str(diagnostic.severity)

    def mark_of(self, key: str) -> CellMark | None:
        mark = self.marks.get(key)
        if mark is not None and mark.state in _SETTLED and self._is_edited(key, mark):
            return CellMark(CellState.EDITED, mark.elapsed)
        return mark

    def mark(self, marks: Mapping[str, CellMark]) -> None:
        """Marks of cells by their keys, in place of those before."""
        self._edited.clear()
        self.marks = {
            key: replace(mark, code=self._source(key)) if mark.code is None else mark
            for key, mark in marks.items()
        }

    def touch(self, keys: Iterable[str]) -> None:
        """These cells may have another source now."""
        for key in keys:
            self._edited.pop(key, None)

    def _is_edited(self, key: str, mark: CellMark) -> bool:
        is_edited = self._edited.get(key)
        if is_edited is None:
            is_edited = self._edited[key] = self._source(key) != mark.code
        return is_edited

    def _source(self, key: str) -> str | None:
        cells = self.model.cells
        index = cells.index_of(key)
        return cells.cell(index, self.model.lines).source if index is not None else None

    def row(self, row: int, scroll: int, width: int, base: Style) -> Strip:
        """Row `row` of the text, `width` cells wide, with the code scrolled by `scroll` cells."""
        room = max(0, width - self.gutter)
        if row >= self.model.rows.total:
            return Strip.blank(width, base)
        if self.model.rows.blocks and (place := self.model.rows.block_at(row)) is not None:
            return self._block_row(*place, width, base)
        line, part = self.model.rows.line_at(row)
        is_current = line == self.model.cursor.line and self.selected_cells is None
        under = "cursor.line" if is_current and self.focused else ""
        code = self._code(line, part, scroll, room, under)
        missing = room - code.cell_length
        if missing < 0:
            code = code.crop(0, room)
        segments = [*self._gutter(line, part, is_current, under), *code]
        if missing > 0:
            segments.append(Segment(" " * missing, self.styles("text", under)))
        length = self.gutter + room
        return Strip(self._on_base(base, segments), length).adjust_cell_length(width, base)

    def _on_base(self, base: Style, segments: Iterable[Segment]) -> list[Segment]:
        """The segments over the widget's own style. Few styles make a screen: each sum is kept."""
        if base != self._base:
            self._base, self._based = base, {}
        based = self._based
        styled: list[Segment] = []
        for text, style, _ in segments:
            over = based.get(style)
            if over is None:
                over = based[style] = base + style
            styled.append(Segment(text, over))
        return styled

    def _block_row(self, block: Block, row: int, width: int, base: Style) -> Strip:
        """A row of a block, to the right of an empty gutter; blank while its content is unknown."""
        ground = self.styles("text")
        room = max(0, width - self.gutter)
        content = self.block_contents.get(block.key)
        strip = content.render_row(row, room) if content is not None else Strip([])
        strip = strip.crop(0, room).extend_cell_length(room, ground)
        caret, first = self.model.cursor.line, block.line + 1 - block.hidden
        is_current = self.selected_cells is not None or first <= caret <= block.line
        is_marked = is_current and self._is_marked(self.model.cells.at(block.line))
        bar = _CURRENT if is_marked else " "
        glyph = self.text_layer.block_glyph(block.key, row) if self.text_layer is not None else ""
        gutter = [
            Segment(glyph or " ", self.styles("text", "", "muted") if glyph else ground),
            Segment(" " * (self.gutter - 2), ground),
            Segment(bar, self.styles("text", "", "cell.current")),
        ]
        return Strip([*gutter, *strip]).apply_style(base).crop(0, width)

    def _is_marked(self, index: int) -> bool:
        """Whether the bar of the current cell stands beside a cell."""
        if self.selected_cells is not None:
            return index in self.selected_cells
        return index == self.model.cells.at(self.model.cursor.line)

    def _can_run(self, index: int, line: int) -> bool:
        """Whether a line is the first of a cell that can be run."""
        cells = self.model.cells
        is_first = line == cells.span(index)[0] and bool(self.model.lines[line])
        return is_first and (cells.kind(index) is CellKind.CODE or not cells.is_fenced)

    def _gutter(self, line: int, part: int, is_current: bool, under: str) -> list[Segment]:
        cells = self.model.cells
        index = cells.at(line)
        first, _ = cells.span(index)
        glyph, name = " ", ""
        mark = self.mark_of(cells.key(index)) if line == first and not part else None
        if mark is not None:
            glyph, name = GLYPHS[mark.state], f"run.{mark.state}"
        elif self._can_run(index, line) and not part:
            glyph, name = _TO_RUN, "faint"
        if not part and (diagnostic := self.diagnostics.get(line)) is not None:
            glyph = _DIAGNOSTIC_GLYPHS[diagnostic.severity]
            name = self.tone_of(line, diagnostic)
        digits = self.gutter - 3
        number = str(line + 1).rjust(digits) if digits and not part else " " * digits
        in_current_cell = len(cells) > 1 and self._is_marked(index)
        tone = "line.number.current" if is_current else "line.number"
        return [
            Segment(glyph, self.styles("text", under, name)),
            Segment(number, self.styles("text", under, tone)),
            Segment(" ", self.styles("text", under)),
            Segment(
                _CURRENT if in_current_cell else " ", self.styles("text", under, "cell.current")
            ),
        ]

    def _code(self, line: int, part: int, scroll: int, room: int, under: str) -> Strip:
        model = self.model
        text = model.lines[line]
        is_mark = model.cells.separator_at(line) is not None or model.cells.is_foot(line)
        if self.text_layer is not None and is_mark:
            heading = self.text_layer.heading(line, room) if not part else []
            if heading is not None:
                return Strip(heading).apply_style(self.styles("text", under))
        if model.rows.width:
            starts = model.rows.starts(line)
            first = starts[part]
            is_last = part + 1 == len(starts)
            end = len(text) if is_last else starts[part + 1]
            skip = 0
        else:
            first = to_column(text, scroll, model.tab)
            end = min(len(text), to_column(text, scroll + room, model.tab) + 1)
            is_last = end == len(text)
            skip = scroll - to_cell(text, first, model.tab)
        count = end - first
        colors = self._colors(line, first, count)
        over = [under] * (count + 1)
        self._lay_over(line, first, count, is_last, over)
        signs = drawn(text, first, end, model.tab)
        segments = []
        start = 0
        for i in range(1, count + 1):
            if i == count or colors[i] != colors[start] or over[i] != over[start]:
                if text_part := "".join(signs[start:i]):
                    style = self.styles("text", colors[start], over[start])
                    segments.append(Segment(text_part, style))
                start = i
        strip = Strip(segments)
        if is_last:
            strip = self._tail(line, strip, over[count], room + skip, under)
        return strip.crop(skip) if skip > 0 else strip

    def _colors(self, line: int, first: int, count: int) -> list[str]:
        model = self.model
        separator = model.cells.separator_at(line)
        if separator is not None:
            text = model.lines[line]
            at = text.find(separator.title) if separator.title else len(text)
            names = ["syntax.comment"] * at + ["cell.separator"] * (len(text) - at)
            return names[first : first + count]
        colors = [""] * count
        for start, end, name in self._spans.get(line, ()):
            low, high = max(start - first, 0), min(end - first, count)
            if low < high:
                colors[low:high] = [f"syntax.{name}"] * (high - low)
        return colors

    def _lay_over(self, line: int, first: int, count: int, last: bool, over: list[str]) -> None:
        """Search matches, selection, brackets and the cursor, each over the one before."""

        def lay(start: int, end: int, name: str) -> None:
            low, high = max(start - first, 0), min(end - first, count + last)
            if low < high:
                over[low:high] = [name] * (high - low)

        model = self.model
        selection = model.selection
        text = model.lines[line]
        diagnostic = self.diagnostics.get(line)
        # The worst of a line over the others.
        for problem in diagnostic.entries[::-1] if diagnostic else ():
            if problem.end is not None and not problem.is_stale(text):
                lay(problem.start, problem.end, f"problem.{problem.severity}")
        if self.pattern is not None and len(text) < LONG:
            for start, end in self._matches(text):
                current = (selection.start, selection.end) == ((line, start), (line, end))
                lay(start, end, "search.current" if current else "search.match")
        begin, stop = selection.start, selection.end
        if begin != stop and begin.line <= line <= stop.line:
            low_column = begin.column if line == begin.line else 0
            high_column = stop.column if line == stop.line else len(text) + 1
            if over[max(0, low_column - first) : low_column - first + 1] != ["search.current"]:
                lay(low_column, high_column, "selection")
        marks_brackets = self.focused or self.marks_brackets_unfocused
        for at in self.brackets if marks_brackets else ():
            if at.line == line:
                lay(at.column, at.column + 1, "bracket.match")
        if line == model.cursor.line and self.selected_cells is None:
            column = model.cursor.column
            lay(column, column + 1, "cursor" if self.focused else "cursor.blurred")

    def _matches(self, text: str) -> list[tuple[int, int]]:
        if self.pattern is None:
            return []
        self.pattern.restart()
        try:
            return matches(self.pattern, text)
        except UsageError:
            self.pattern = None  # it takes too long: nothing is marked any more
            return []

    def _tail(self, line: int, strip: Strip, over: str, room: int, under: str) -> Strip:
        """What follows the text of a line: its end, a diagnostic, the rule of a separator."""
        model = self.model
        segments = [*strip, Segment(" ", self.styles("text", over))]
        used = strip.cell_length + 1
        if (diagnostic := self.diagnostics.get(line)) is not None:
            message = _cut(one_line(diagnostic.message), room - used - 3)
            tone = self.tone_of(line, diagnostic)
            segments.append(Segment(f"  {message}", self.styles("text", under, tone)))
        elif model.cells.separator_at(line) is not None:
            mark = self.mark_of(model.cells.key(model.cells.at(line)))
            note = f" {duration(mark.elapsed)} " if mark and mark.elapsed is not None else ""
            rule = max(0, room - used - len(note))
            segments.append(Segment(_RULE * rule, self.styles("text", under, "faint")))
            tone = f"run.{mark.state}" if mark else ""
            segments.append(Segment(note, self.styles("text", under, tone)))
        return Strip(segments)
