"""The variables pane: names of the kernel and their contents."""

from codeexec.tui.panes.variables.pane import VariablesPane

__all__ = ["VariablesPane"]
