"""Lessons in the workbench: which one is shown, and what its keys do."""
