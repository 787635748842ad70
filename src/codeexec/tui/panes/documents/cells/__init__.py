"""Cells of the open documents: runs, marks, outputs, syntax errors."""
