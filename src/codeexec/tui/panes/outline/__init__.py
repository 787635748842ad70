"""The outline of the document in front as a pane."""

from codeexec.tui.panes.outline.pane import OutlinePane

__all__ = ["OutlinePane"]
