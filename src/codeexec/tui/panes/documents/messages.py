"""Messages of the editor pane to the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from codeexec.documents.swap import Swap
from codeexec.domain.events import CellRef
from codeexec.domain.options import NO_OPTIONS, ExecuteOptions
from codeexec.domain.outputs import Display
from codeexec.domain.requests import Execute
from codeexec.tui.panes.documents.going import PlaceToGo
from codeexec.tui.widgets.status import Position

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView
    from codeexec.tui.render.traceback import TracebackFrame


@dataclass(frozen=True)
class CodeRun:
    """Code of a cell that is to be run, and where it is from."""

    code: str
    cell: CellRef
    options: ExecuteOptions = NO_OPTIONS

    def request(self, origin: str) -> Execute:
        """The request of the client `origin`."""
        return Execute(self.code, origin=origin, cell=self.cell, options=self.options)


class DocumentMessages:
    """Namespace of the messages, which `DocumentsPane` has as its own names."""

    @dataclass
    class DocumentCloseRequested(Message):
        """A tab with unsaved text is to be closed."""

        sheet: DocumentView

    @dataclass
    class SaveAsRequested(Message):
        sheet: DocumentView

    @dataclass
    class ConflictFound(Message):
        """The document cannot be saved because its file has changed on disk since it was read."""

        sheet: DocumentView

    @dataclass
    class CompareRequested(Message):
        """Show `DocumentView.compare`: the file has changed on disk, and so has the text here."""

        sheet: DocumentView

    @dataclass
    class SwapFound(Message):
        """Unsaved text of this document was found in a swap file."""

        sheet: DocumentView
        swap: Swap

    @dataclass
    class RestartRequested(Message):
        """Cells are to be run on fresh kernels, each on that of its language."""

        cells: tuple[CodeRun, ...]

    @dataclass
    class LanguageRequested(Message):
        """The user is to choose the language of cells; with `adds`, of one that is added below."""

        sheet: DocumentView
        cells: range
        adds: bool

    @dataclass
    class StoredChanged(Message):
        """Other outputs of notebooks' files are to be shown: those of `stored`."""

    @dataclass
    class ProblemsCounted(Message):
        """How many errors and warnings all files have."""

        errors: int
        warnings: int

    @dataclass
    class ProfileChanged(Message):
        """The profile with which the document in front is built; empty for one that is not."""

        words: str

    class Edited(Message):
        """The text of a document was changed."""

    @dataclass
    class FrameChosen(Message):
        """Show where a frame of a traceback is."""

        frame: TracebackFrame

    @dataclass
    class DisplayChosen(Message):
        """Show a display of an output in large."""

        display: Display

    class AnswerWanted(Message):
        """A cell waits for an answer, which is typed at the prompt."""

    @dataclass
    class PositionChanged(Message):
        position: Position

    @dataclass
    class ChoiceRequested(Message):
        """The user is to choose one of these lines."""

        title: str
        entries: list[PlaceToGo]
        current: int = -1
        """The line of the entry that the cursor is in."""

    @dataclass
    class TabsChanged(Message):
        """Which documents are open, in order."""

        paths: tuple[str, ...]
