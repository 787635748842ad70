"""Widgets of ipywidgets as text, and the outputs that they capture."""
