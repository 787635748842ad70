"""Which cells of a text are which cells of the notebook, and operations on whole cells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codeexec.client.api import SessionClient
from codeexec.documents.cell_blocks import CellEdit, CellText
from codeexec.documents.cell_edits import CopiedCell, copy_cells
from codeexec.documents.formats import save_document
from codeexec.documents.model import Cell, CellKind, Document
from codeexec.documents.notebook.convert import from_text, new_cell, to_text
from codeexec.documents.notebook.merging import Merged, merge_notebooks
from codeexec.documents.outline import cell_name
from codeexec.documents.percent.cells import FRESH
from codeexec.domain.snapshot import ExecutionView, Snapshot
from codeexec.tui.panes.documents.cells.cell_bank import CellBank
from codeexec.tui.panes.documents.cells.outputs import OutputReader, with_kernel, with_runs
from codeexec.tui.panes.documents.text_diff import replace_text
from codeexec.tui.panes.editor.code_editor import CodeEditor
from codeexec.tui.panes.editor.text.text import Location, Selection
from codeexec.tui.session.feed import has_widget

if TYPE_CHECKING:
    from codeexec.documents.notebook.convert import Notebook
    from codeexec.documents.notebook.outputs import Json


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The document after a merge, the names of cells that clash, and the number of cells in which
    something was taken over."""

    document: Document
    clashes: tuple[str, ...]
    taken: int


@dataclass(frozen=True, slots=True)
class MergePlan:
    """A document with its text, and what another program has written; `merge` needs no event
    loop."""

    document: Document
    base: Notebook
    """What the file had before."""
    text: str
    origins: Sequence[int | Json | None]
    keys: tuple[str, ...]
    theirs: Document
    both: bool

    def merge(self) -> Merged:
        before, theirs = self.document.notebook, self.theirs.notebook
        assert before is not None
        assert theirs is not None
        mine = from_text(before, self.text, self.document.marker, self.origins)
        return merge_notebooks(self.base, mine, theirs, both=self.both)


class NotebookCells:
    """Keeps the JSON of each cell by its key, since it was read or saved last."""

    def __init__(self, editor: Callable[[], CodeEditor], document: Callable[[], Document]) -> None:
        self._editor = editor
        self._document = document
        self._saved_keys: tuple[str, ...] = ()
        """Of the cells in the file; none where that is no notebook: a large script has many."""
        self._bank = CellBank()
        self._outputs = OutputReader()
        self._merged: tuple[Notebook, Notebook] | None = None
        """The notebook that the last merge has made, and what the file had then."""
        self.note_saved()

    def cells(self) -> tuple[Cell, ...]:
        """The cells that a notebook of the text has; a blank start of the text is none, and
        neither is a spare cell at its end."""
        model = self._editor().model
        cells = self._editor().cells()
        if model.shared.spare is not None:
            cells = cells[:-1]
        return tuple(cells[1:] if model.cells.has_preamble and cells[0].is_blank else cells)

    def keys(self) -> tuple[str, ...]:
        """The keys of `cells`."""
        return tuple(cell.key for cell in self.cells())

    def note_saved(self, keys: tuple[str, ...] | None = None) -> None:
        """The file has the cells with these keys (None: those of the text) now."""
        notebook = self._document().notebook
        if notebook is None:
            self._saved_keys = ()
            return
        self._saved_keys = self.keys() if keys is None else keys
        self._bank.store(self._saved_keys, notebook.data["cells"])

    def has_outputs(self) -> dict[str, bool]:
        """By key of the cells in the file: whether it has outputs of them."""
        notebook = self._document().notebook
        if notebook is None:
            return {}
        places = range(len(notebook.data["cells"]))
        sizes = map(notebook.output_size, places)
        return {key: size > len("[]") for key, size in zip(self._saved_keys, sizes, strict=False)}

    def cleared_since(self, had_outputs: Mapping[str, bool]) -> list[str]:
        """The cells of which the file had outputs before, as `has_outputs` has told, and has none
        now."""
        now = self.has_outputs()
        return [key for key, had in had_outputs.items() if had and now.get(key) is False]

    def origins(self) -> list[int | Json | None]:
        """Of each cell of the text its place in the file, or the JSON that it continues."""
        places = {key: place for place, key in enumerate(self._saved_keys)}
        notebook = self._document().notebook
        saved = notebook.data["cells"] if notebook is not None else ()

        def origin(cell: Cell) -> int | Json | None:
            place = places.get(cell.key)
            earlier = self._bank.find(cell.key, cell.kind)
            if earlier is None and cell.key.startswith(FRESH):
                return new_cell(cell.kind, notebook.minor) if notebook is not None else None
            if place is None or place >= len(saved):
                return earlier
            kind = saved[place].get("cell_type")
            is_changed_back = earlier is not None and earlier.get("cell_type") != kind
            return earlier if is_changed_back else place

        return [origin(cell) for cell in self.cells()]

    def plan_merge(self, theirs: Document, *, both: bool) -> MergePlan:
        """What a merge with `theirs`, a notebook, works on: see `take_merge`."""
        document, model = self._document(), self._editor().model
        assert document.notebook is not None
        merged, on_disk = self._merged or (None, None)
        # A merge that is not saved has changes of both sides; the file has theirs alone.
        base = on_disk if on_disk and merged is document.notebook else document.notebook
        text, keys = model.shared.to_save, self.keys()
        return MergePlan(document, base, text, self.origins(), keys, theirs, both)

    def take_merge(self, plan: MergePlan, merged: Merged) -> MergeResult:
        """Take over what another program has written to the file, beside what was changed here;
        one undo takes that back. If both have changed the same cells, nothing is done without
        `both`."""
        names = tuple(cell_name(merged.notebook.cells[at]) for at in merged.clashes)
        if names and not plan.both:
            return MergeResult(plan.document, names, 0)
        fresh_key = self._editor().model.cells.fresh_key
        keys = tuple(
            plan.keys[place] if place is not None else fresh_key() for place in merged.places
        )
        merged_text = to_text(merged.notebook, plan.document.marker)
        if merged.taken or plan.both:
            replace_text(self._editor(), merged_text, keys)
        result = Document(plan.theirs.file, merged_text, plan.document.marker, merged.notebook)
        if plan.theirs.notebook is not None:
            self._merged = merged.notebook, plan.theirs.notebook
        self._saved_keys = keys
        self._bank.store(keys, merged.notebook.data["cells"])
        return MergeResult(result, names, merged.taken)

    # -- whole cells -------------------------------------------------------------------------------

    @property
    def text(self) -> CellText:
        """The text for functions of `cell_edits`."""
        model = self._editor().model
        return CellText(model.lines, model.cells)

    def apply(self, edit: CellEdit) -> bool:
        """Make an edit of `cell_edits` as one step of history; False if nothing would change."""
        model = self._editor().model
        is_same_text = tuple(model.lines[edit.first_line : edit.end_line]) == edit.lines
        if is_same_text and model.cells.keys == edit.keys:
            return False
        for derived in edit.derived:
            self._bank.derive(derived)
        caret = Selection.at(Location(*edit.caret))
        edits = [] if is_same_text else [_text_edit(edit, model.lines)]
        done = model.edit(edits, caret, cell_keys=edit.keys)
        self._editor().sync()
        return done

    def copied(self, first: int, last: int) -> tuple[CopiedCell, ...]:
        """Cells `first` to `last` of the text with the JSON that they have in the notebook."""
        return tuple(
            replace(cell, raw=self._bank.find(cell.key, cell.kind))
            for cell in copy_cells(self.text, first, last)
        )

    def code_json(self, key: str) -> Json | None:
        """The JSON of a code cell as the notebook was saved; None if the cell is new. Its outputs
        are parsed only when they are read."""
        cells = self._editor().model.cells
        index = cells.index_of(key)
        if index is None or cells.kind(index) is not CellKind.CODE:
            return None
        return self._bank.find(key, CellKind.CODE)

    def saved_json(self, key: str) -> Json | None:
        """As `code_json`, of a cell that had outputs."""
        raw = self.code_json(key)
        return raw if raw is not None and raw.get("outputs") else None

    def attachments(self, key: str) -> Mapping[str, object]:
        """The attachments of a Markdown cell of the notebook, by name."""
        raw = self._bank.find(key, CellKind.MARKDOWN)
        attachments = raw.get("attachments") if raw is not None else None
        return attachments if isinstance(attachments, dict) else {}

    # -- outputs -----------------------------------------------------------------------------------

    async def with_outputs(
        self,
        document: Document,
        runs: Mapping[str, ExecutionView],
        snapshot: Snapshot,
        session: SessionClient,
    ) -> Document | None:
        """The document with the outputs of `runs`, by keys of cells; None where it has them all,
        or is no notebook. Raises CodeexecError."""
        notebook = document.notebook
        if notebook is None:
            return None
        filled = await with_runs(notebook, self._saved_keys, runs, session, self._outputs)
        if runs:
            last = max(runs.values(), key=lambda view: view.number)
            filled = with_kernel(filled, snapshot.kernel_of(last))
        if snapshot.comms and any(map(has_widget, runs.values())):
            from codeexec.documents.notebook.widgets import with_comm_states  # not at the start

            filled = await asyncio.to_thread(with_comm_states, filled, snapshot.comms)
        return replace(document, notebook=filled) if filled != notebook else None

    async def to_export(
        self, runs: Mapping[str, ExecutionView], language: str, session: SessionClient | None
    ) -> Notebook:
        """The text as it is now with the outputs of `runs`, by keys of cells, also of a script.
        Raises CodeexecError."""
        document, text = self._document(), self._editor().model.shared.to_save
        cells = self.cells()
        if document.notebook is None:
            from codeexec.documents.export.forms import notebook_of  # not at the start

            notebook = notebook_of(cells, language)
        else:
            notebook = from_text(document.notebook, text, document.marker, self.origins())
        if session is None or len(cells) != len(notebook.data["cells"]):
            return notebook
        keys = [cell.key for cell in cells]
        return await with_runs(notebook, keys, runs, session, OutputReader())

    def write(self, document: Document) -> Document:
        """Write a document whose outputs alone have changed. Raises CodeexecError."""
        return save_document(document, document.text, origins=range(len(self._saved_keys)))

    def note_written(self, saved: Document) -> None:
        """A document was written by `write`."""
        if saved.notebook is not None:
            self._bank.store(self._saved_keys, saved.notebook.data["cells"])


def _text_edit(edit: CellEdit, lines: Sequence[str]) -> tuple[Location, Location, str]:
    """The change of lines as a change of text between two places."""
    if edit.end_line < len(lines):
        inserted = "".join(f"{line}\n" for line in edit.lines)
        return Location(edit.first_line, 0), Location(edit.end_line, 0), inserted
    end = Location(len(lines) - 1, len(lines[-1]))
    inserted = "\n".join(edit.lines)
    if edit.lines or not edit.first_line:
        return Location(edit.first_line, 0), end, inserted
    above = edit.first_line - 1
    return Location(above, len(lines[above])), end, ""
