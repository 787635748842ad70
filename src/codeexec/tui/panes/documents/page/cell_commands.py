"""Commands on whole cells: insert, delete, move, copy, split, merge, kinds, outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from codeexec.documents import cell_edits
from codeexec.documents.cell_blocks import CellEdit, CellText
from codeexec.documents.cell_edits import CopiedCell
from codeexec.documents.model import CellKind

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_Edit = Callable[[CellText, int, int], CellEdit]


def _merge(text: CellText, first: int, last: int) -> CellEdit:
    """The cells as one; a single cell is merged with the one below."""
    end = min(first + 1, len(text.index) - 1) if first == last else last
    return cell_edits.merge_cells(text, first, end)


def _kind(kind: CellKind) -> _Edit:
    return lambda text, first, last: cell_edits.change_kind(text, first, last, kind)


_EDITS: dict[str, _Edit] = {
    "insert_above": lambda text, first, last: cell_edits.insert_cell(text, first),
    "insert_below": lambda text, first, last: cell_edits.insert_cell(text, last + 1),
    "delete": cell_edits.delete_cells,
    "merge": _merge,
    "to_markdown": _kind(CellKind.MARKDOWN),
    "to_code": _kind(CellKind.CODE),
    "to_raw": _kind(CellKind.RAW),
    "clear": cell_edits.clear_outputs,
    "clear_all": lambda text, first, last: cell_edits.clear_outputs(text, 0, len(text.index) - 1),
}

NAMES = frozenset({*_EDITS, "move_up", "move_down", "split", "copy", "cut", "paste", "paste_above"})
"""Names of the commands."""


class CellCommands:
    """Each command is one step of undo. What was copied can be put into any document."""

    def __init__(self) -> None:
        self._copied: tuple[CopiedCell, ...] = ()

    def do(
        self, sheet: DocumentView, name: str, first: int, last: int, places: int = 0
    ) -> range | None:
        """Do a command of `NAMES` with cells `first` to `last`; returns the cells to select, None
        if nothing was changed. `places` is how far they are moved; without it by one place."""
        cells = sheet.notebook_cells
        if sheet.editor.model.read_only and name != "copy":
            return None
        if name in ("copy", "cut"):
            self._copied = cells.copied(first, last)
        if name == "copy":
            return None
        if name in ("move_up", "move_down"):
            by = places or (1 if name == "move_down" else -1)
            edit: CellEdit | None = cell_edits.move_cells(cells.text, first, last, by)
        else:
            edit = self._edit(sheet, name, first, last)
        return edit.select if edit is not None and cells.apply(edit) else None

    def set_language(
        self, sheet: DocumentView, first: int, last: int, language: str, *, adds: bool
    ) -> range | None:
        """Give cells `first` to `last` a language (empty: that of the document), or add a cell in
        it below them; returns the cells to select, None if nothing was changed."""
        cells = sheet.notebook_cells
        if sheet.editor.model.read_only:
            return None
        if adds:
            edit = cell_edits.insert_in_language(cells.text, last + 1, language)
        else:
            edit = cell_edits.set_language(cells.text, first, last, language)
        return edit.select if cells.apply(edit) else None

    def _edit(self, sheet: DocumentView, name: str, first: int, last: int) -> CellEdit | None:
        text = sheet.notebook_cells.text
        match name:
            case "split":
                return cell_edits.split_cell(text, *sheet.editor.model.cursor)
            case "cut":
                return cell_edits.delete_cells(text, first, last)
            case "paste" | "paste_above":
                at = last + 1 if name == "paste" else first
                return cell_edits.paste_cells(text, at, self._copied) if self._copied else None
            case _:
                return _EDITS[name](text, first, last)
