"""The outline pane of the document in front."""

from codeexec.tui.panes.outline.pane import OutlinePane

__all__ = ["OutlinePane"]
