"""Displays as text, for the command line, exports and the workbench alike."""
