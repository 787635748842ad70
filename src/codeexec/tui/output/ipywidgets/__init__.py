"""Draws the stock widgets of ipywidgets, and says what a key or a click does to one."""
