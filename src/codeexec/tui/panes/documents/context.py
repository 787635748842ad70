"""Values that the pane's controllers share: the session, its last snapshot, and settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from codeexec.client.api import SessionClient
from codeexec.config.model import Editor as Habits
from codeexec.domain.snapshot import Snapshot
from codeexec.languages.profiles import BuildProfile
from codeexec.tui.panes.documents.document_view import DocumentView
from codeexec.tui.panes.documents.programs.configurations import RunConfigurations
from codeexec.tui.session.kernel_focus import KernelFocus
from codeexec.tui.theme.theme import Theme


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
