"""Text model of an editor without a screen: lines, edits, undo, search, wrapping, syntax."""
