"""What the kernel holds: its names, and what is inside of them."""

from codeexec.tui.panes.variables.pane import VariablesPane

__all__ = ["VariablesPane"]
