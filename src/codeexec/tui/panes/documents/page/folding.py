"""Folded sections of a page: a heading stands for the cells below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from textual.strip import Strip

from codeexec.documents.outline import heading_level, sections
from codeexec.tui.panes.documents.page.cell_blocks import fold_key
from codeexec.tui.panes.editor.text.blocks import Block
from codeexec.tui.render.counts import counted

if TYPE_CHECKING:
    from codeexec.tui.panes.editor.text.blocks import BlockContent
    from codeexec.tui.panes.editor.text.model import EditorModel
    from codeexec.tui.theme.theme import Theme


class FoldedSection(NamedTuple):
    """Indices of cells: the heading, and those that it hides, both ends included."""

    heading: int
    first: int
    last: int


class FoldRow:
    """Content of the row that stands for hidden cells."""

    def __init__(self, cells: int, theme: Theme) -> None:
        self.cells = cells
        self._theme = theme

    def render_row(self, row: int, width: int) -> Strip:
        text = f"▸ {counted(self.cells, 'cell')} hidden"
        return Strip([Segment(text, self._theme.style("muted"))]).crop(0, width)


class SectionFolds:
    """Which headings of a page are folded, by the keys of their cells.

    The key of a deleted cell stays, so that a section that comes back by undo is folded again.
    Which cells a heading hides is worked out when cells or headings have changed (`note_change`).
    """

    def __init__(self, model: EditorModel) -> None:
        self._model = model
        self._folded: set[str] = set()
        self._sections: tuple[FoldedSection, ...] = ()
        self._keys: tuple[str, ...] = ()
        self._version = -1
        self._cells: frozenset[str] = frozenset()
        self._levels: dict[str, int] = {}
        """Heading levels by cell, while a section is folded."""

    def __bool__(self) -> bool:
        return bool(self._folded)

    @property
    def folded(self) -> frozenset[str]:
        """Keys of the heading cells that are folded."""
        return frozenset(self._folded)

    def fold(self, cell_keys: Iterable[str]) -> None:
        """Fold these headings and no others."""
        self._folded = set(cell_keys)
        self.note_change()

    def fold_all(self) -> None:
        """Fold every heading; those of a lower level are folded inside."""
        self.fold(section.cell for section in sections(self._model.all_cells()))

    def heading_of(self, cell_key: str) -> str:
        """The heading that a command to fold means at a cell: the cell itself if it is one, else
        the nearest one above whose section it is in; empty without one."""
        cells = self._model.all_cells()
        place = next((cell for cell in cells if cell.key == cell_key), None)
        heading = ""
        for section in sections(cells):
            if section.cell == cell_key:
                return cell_key
            if place is not None and section.first_line <= place.start < section.end_line:
                heading = section.cell
        return heading

    def toggle(self, heading: str) -> bool:
        """Fold a heading or unfold it; whether it is folded now."""
        self._folded ^= {heading}
        self.note_change()
        return heading in self._folded

    def note_change(self) -> bool:
        """Cells have come, gone or moved, or a heading may be another one; whether other cells are
        hidden now."""
        previous = self._cells
        self._find_hidden()
        return self._cells != previous

    def note_edited(self, cell_keys: Iterable[str]) -> bool:
        """The text of these cells has changed, and no cell has come or gone; as `note_change`.
        Other cells are not parsed unless a heading is another one."""
        model = self._model
        for key in cell_keys:
            index = model.cells.index_of(key)
            if index is not None and heading_level(model.cell(index)) != self._levels.get(key):
                return self.note_change()
        return False

    @property
    def _hidden(self) -> tuple[FoldedSection, ...]:
        """The outermost folded sections, of the cells as they are now."""
        model = self._model
        if self._folded and self._version != model.buffer.version:
            self._version = model.buffer.version
            if model.cells.keys != self._keys:
                self._find_hidden()
        return self._sections

    def _find_hidden(self) -> None:
        if not self._folded:
            self._sections, self._cells = (), frozenset()
            return
        model = self._model
        cells = model.all_cells()
        levels = [heading_level(cell) for cell in cells]
        self._levels = {cell.key: level for cell, level in zip(cells, levels, strict=True)}
        all_sections = sections(cells, levels)
        folding = {section.cell for section in all_sections}
        # A cell that stopped being a heading is unfolded; a cell that is gone may come back.
        self._folded -= {key for key in model.cells.keys if key not in folding}
        hidden: list[FoldedSection] = []
        end_line = 0
        for section in all_sections:
            if section.cell in self._folded and section.first_line >= end_line:
                first, last = (
                    model.cells.at(section.first_line),
                    model.cells.at(section.end_line - 1),
                )
                hidden.append(FoldedSection(first - 1, first, last))
                end_line = section.end_line
        self._sections = tuple(hidden)
        self._keys = keys = model.cells.keys
        self._cells = frozenset(
            key for section in hidden for key in keys[section.first : section.last + 1]
        )

    def hides(self, cell_key: str) -> bool:
        """Whether a cell is in a folded section."""
        return cell_key in self._cells

    def reveal(self, index: int) -> bool:
        """Unfold what hides a cell; whether anything did."""
        if self._over(index) is None:
            return False
        while (section := self._over(index)) is not None:
            self._folded.discard(self._model.cells.key(section.heading))
            self.note_change()
        return True

    def _over(self, index: int) -> FoldedSection | None:
        return next((one for one in self._hidden if one.first <= index <= one.last), None)

    def expanded(self, cells: range) -> range:
        """The cells with those that folded headings among them hide."""
        first, last = cells[0], cells[-1]
        for section in self._hidden:
            if first <= section.heading <= last:
                last = max(last, section.last)
        return range(first, last + 1)

    def distance(self, cells: range, direction: int) -> int:
        """How many places these cells move over their neighbour, above (-1) or below (1); a folded
        section is one neighbour."""
        neighbour = cells[-1] + 1 if direction > 0 else cells[0] - 1
        section = self._over(neighbour) if direction < 0 else None
        first = section.heading if section is not None else neighbour
        return direction * len(self.expanded(range(first, neighbour + 1)))

    def step(self, index: int, by: int) -> int:
        """The cell `by` cells away, over hidden ones, as far as there are cells."""
        last = len(self._model.cells) - 1
        target = max(0, min(index + by, last))
        section = self._over(target)
        if section is None:
            return target
        past_end = section.heading if section.last == last else section.last + 1
        return section.heading if by < 0 or abs(by) > 1 else past_end

    def blocks(self, theme: Theme) -> Iterator[tuple[Block, BlockContent]]:
        """The rows that stand in place of hidden cells."""
        cells = self._model.cells
        for section in self._hidden:
            start, end = cells.span(section.first)[0], cells.span(section.last)[1]
            key = fold_key(cells.key(section.heading))
            block = Block(key, end - 1, 1, end - start, is_closed=True)
            yield block, FoldRow(section.last - section.first + 1, theme)
