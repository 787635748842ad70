"""The tree of the working folder: what it holds, and the pane that shows it."""

from __future__ import annotations

from codeexec.tui.panes.files.folder import all_files
from codeexec.tui.panes.files.pane import FilesPane

__all__ = ["FilesPane", "all_files"]
