"""Percent scripts: their cells, their header, and the conversion to notebooks and back."""
