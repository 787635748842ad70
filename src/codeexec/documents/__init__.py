"""Converts files to cells and back: percent scripts, notebooks, plain files."""
