"""Values that the pane's controllers share: the session, its last snapshot, and settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from codeexec.client.api import SessionClient
from codeexec.config.model import Editor as Habits
from codeexec.documents.cell_language import canonical
from codeexec.domain.snapshot import Snapshot
from codeexec.languages.profiles import BuildProfile
from codeexec.tui.panes.documents.programs.configurations import RunConfigurations
from codeexec.tui.session.kernel_focus import KernelFocus, kernel_of_language
from codeexec.tui.theme.theme import Theme

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


@dataclass
class PaneContext:
    """The pane and the workbench set its values; controllers only read them."""

    theme: Theme
    client_name: str = ""
    """The origin of what is run from here."""
    session: SessionClient | None = None
    """None until the pane is connected."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    """Of the last frame."""
    kernel_focus: KernelFocus = field(default_factory=KernelFocus)
    watch_only: bool = False
    """Documents show what another workbench edits; nothing is written."""
    habits: Habits = field(default_factory=Habits)
    profiles: tuple[BuildProfile, ...] = ()
    """Build profiles of the user's own."""
    configurations: RunConfigurations = field(default_factory=RunConfigurations)
    """How programs are built and run; the workbench gives those that are stored."""

    def kernel_of(self, sheet: DocumentView) -> str:
        """Name of the session's kernel that runs this document."""
        return self.kernel_focus.of_document(sheet.name_key)

    def kernel_language(self, sheet: DocumentView) -> str:
        """The language of that kernel; empty before it was started."""
        kernel = self.snapshot.kernel_named(self.kernel_of(sheet))
        return (kernel.kernel.language if kernel.kernel else "") or kernel.language

    def run_language(self, sheet: DocumentView, language: str) -> str:
        """The language by which the session chooses the kernel for a cell in this one (empty: that
        of the document); empty where the document's kernel runs it. Cells of the document's
        language run on the kernel that was chosen for it."""
        main = sheet.editor.model.cells.language
        if language in ("", main):
            language = "" if self.kernel_focus.chosen_for(sheet.name_key) else main
        own = canonical(self.kernel_language(sheet)) or "python"
        return language if language not in ("", own) else ""

    def language_here(self, sheet: DocumentView) -> str:
        """As `run_language`, of the cell that the cursor is in."""
        model = sheet.editor.model
        form = model.cells.form(model.cells.at(model.cursor.line))
        return self.run_language(sheet, form.language)

    def kernel_here(self, sheet: DocumentView) -> str:
        """The kernel that runs the cell which the cursor is in; empty where none was started."""
        language = self.language_here(sheet)
        return kernel_of_language(self.snapshot, language) if language else self.kernel_of(sheet)
