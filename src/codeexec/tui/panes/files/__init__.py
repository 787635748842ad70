"""The files pane: tree of the working folder."""

from __future__ import annotations

from codeexec.tui.panes.files.folder import all_files
from codeexec.tui.panes.files.pane import FilesPane

__all__ = ["FilesPane", "all_files"]
