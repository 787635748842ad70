"""The outline pane: headings, cells and definitions, filtered while typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from codeexec.documents.outline import OutlineEntry, entry_at
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.documents.pane import DocumentsPane
from codeexec.tui.panes.outline.rows import (
    FoldKey,
    OutlineRow,
    entry_to_fold,
    fold_key,
    outline_rows,
)
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.textual_ext.timers import call_after
from codeexec.tui.widgets.field import Field
from codeexec.tui.widgets.label_text import tell
from codeexec.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView

_PAUSE = 0.15
"""Seconds in which changes of the text are gathered."""

_EMPTY = "Headings and cells\nappear here"


def build(context: BuildContext) -> OutlinePane:
    """The pane, about the document in front of the editor pane."""
    documents = context.find_pane("editor")
    if not isinstance(documents, DocumentsPane):
        return OutlinePane(lambda: None, id="outline")
    return OutlinePane(lambda: documents.sheet, id="outline")


class OutlinePane(Vertical):
    """`document` gives the document in front; `follow_document` is called whenever it, its text,
    its cursor or its marks may have changed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("outline")]

    DEFAULT_CSS = """
    OutlinePane RowList { height: 1fr; }
    OutlinePane Field { height: 1; border: none; padding: 0 1; background: transparent; }
    OutlinePane #no-outline { height: 1fr; display: none; padding: 0 1;
        content-align: center middle; text-align: center; color: $text-muted; }
    OutlinePane.-empty #no-outline { display: block; }
    OutlinePane.-empty RowList { display: none; }
    """

    class JumpRequested(Message):
        """Go to this line of the document, from 0."""

        def __init__(self, sheet: DocumentView, line: int) -> None:
            super().__init__()
            self.sheet = sheet
            self.line = line

    class LeaveRequested(Message):
        """Give the keys back to the editor."""

    def __init__(self, document: Callable[[], DocumentView | None], id: str | None = None) -> None:
        super().__init__(id=id)
        self._document = document
        self._sheet: DocumentView | None = None
        self._entries: tuple[OutlineEntry, ...] = ()
        self._version: tuple[object, ...] = ()
        self._folded: set[FoldKey] = set()
        self._is_due = False
        self._is_reading = False
        self._jumps_when_read = False

    def compose(self) -> ComposeResult:
        yield Field(id="outline-filter", compact=True, placeholder="filter")
        rows = RowList(id="outline-rows")
        rows.can_focus = False  # the field steers it
        yield rows
        yield Static(_EMPTY, id="no-outline")

    def on_mount(self) -> None:
        self._list = self.query_one(RowList)
        self._field = self.query_one(Input)
        self._refresh()

    def on_show(self) -> None:
        self._refresh()

    def take_focus(self) -> None:
        """Have the keys, with the cursor of the list where that of the editor is."""
        self._field.focus()
        self._refresh(stays=False)

    @property
    def rows(self) -> Sequence[OutlineRow]:
        """What is listed now."""
        return [row for row in self._list.rows if isinstance(row, OutlineRow)]

    # -- what is shown ---------------------------------------------------------------------------

    def follow_document(self) -> None:
        """Schedule an update; while the pane is hidden, the outline is not computed."""
        if self.is_attached and self.is_on_screen and not self._is_due:
            self._is_due = True
            call_after(self, _PAUSE, self._refresh)

    def _refresh(self, *, stays: bool | None = None) -> None:
        if self._is_reading:
            call_after(self, _PAUSE, self._refresh)
        else:
            self._is_reading = True
            self.run_worker(self._read(stays), group="outline")

    async def _read(self, stays: bool | None) -> None:
        """Work the entries out anew where the text is another one, and show them."""
        self._is_due = False
        try:
            if not await self._read_entries():
                self.follow_document()  # the text goes on changing
                return
        finally:
            self._is_reading = False
        self._show(stays=self._field.has_focus if stays is None else stays)
        if self._jumps_when_read:
            self.action_jump()

    async def _read_entries(self) -> bool:
        """Whether the entries are those of the text as it is."""
        sheet = self._document()
        if sheet is not self._sheet:
            self._sheet, self._entries, self._version = sheet, (), ()
            self._folded.clear()
            self._field.value = ""
        if sheet is None:
            return True
        version = (sheet.editor.model.buffer.version, sheet.path)
        if version != self._version or not self._entries:
            entries = await sheet.outline()
            if entries is None:
                return False
            self._entries, self._version = entries, version
        if sheet.editor.parser.is_parsing:
            self._version = ()  # its definitions are to be found yet
            self.follow_document()
        return True

    def _show(self, *, stays: bool) -> None:
        """Bring the list up to date; its cursor `stays`, or goes where that of the editor is."""
        sheet, typed = self._sheet, self._field.value
        editor = sheet.editor if sheet is not None else None
        line = editor.model.cursor.line if editor is not None else 0
        current = entry_at(self._entries, line)
        mark_of = editor.painter.mark_of if editor is not None else (lambda _: None)
        rows = outline_rows(self._entries, mark_of, current, typed, self._folded)
        marked = next((place for place, row in enumerate(rows) if row.is_current), 0)
        self._list.show(rows, self._list.cursor if stays else marked)
        self.set_class(not rows, "-empty")
        tell(self.query_one("#no-outline", Static), "Nothing fits." if typed else _EMPTY)

    # -- keys and mouse ----------------------------------------------------------------------------

    @on(Input.Changed)
    def narrow(self, event: Input.Changed) -> None:
        event.stop()
        self._show(stays=False)

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_jump()

    @on(RowList.Moved)
    def pass_over(self, event: RowList.Moved) -> None:
        event.stop()

    def on_click(self, event: events.Click) -> None:
        if event.widget is self._list and event.button == 1:
            self.action_jump()

    def action_step(self, by: int) -> None:
        self._list.step(by)

    def action_jump(self) -> None:
        """Go to the entry; where the document was not read yet, as soon as it is."""
        self._jumps_when_read = self._is_reading and not self._entries
        rows = self.rows
        if self._sheet is not None and self._list.cursor < len(rows):
            line = rows[self._list.cursor].entry.line
            self._field.value = ""
            self.post_message(self.JumpRequested(self._sheet, line))

    def action_fold(self) -> None:
        """Fold what is below the entry with the cursor, or unfold it; of an entry without any, what
        it is itself below."""
        rows = self.rows
        if self._list.cursor >= len(rows) or self._field.value:
            return
        entry = entry_to_fold(self._entries, self._entries.index(rows[self._list.cursor].entry))
        if entry is None:
            return
        self._folded ^= {fold_key(entry)}
        self._show(stays=True)
        places = [place for place, row in enumerate(self.rows) if row.entry is entry]
        if places:
            self._list.show(self._list.rows, places[0])

    def action_back(self) -> None:
        """The filter is emptied; where it is empty, the editor gets the keys."""
        if self._field.value:
            self._field.value = ""
        else:
            self.post_message(self.LeaveRequested())
