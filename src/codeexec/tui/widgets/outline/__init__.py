"""The outline of the document in front as a pane."""

from codeexec.tui.widgets.outline.pane import OutlinePane

__all__ = ["OutlinePane"]
