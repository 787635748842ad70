"""Clients that show a terminal: their sizes, and the output that they read as it is."""
