"""Colour themes: tokens, theme files, and Textual's variables."""
