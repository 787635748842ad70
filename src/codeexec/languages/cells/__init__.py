"""Cells of languages whose code is built: what of a cell is declared, and what is run."""
