"""Recordings of terminal screens: their model, their times, and the files that hold them."""
