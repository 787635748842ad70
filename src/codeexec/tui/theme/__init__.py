"""Colour themes: the tokens that have colours, the files that give them, Textual's variables."""
