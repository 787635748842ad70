"""Converts displays to text, for the command line, exports and the workbench."""
