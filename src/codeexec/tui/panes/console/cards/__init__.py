"""The cards of the console: one for each execution, in one list."""
