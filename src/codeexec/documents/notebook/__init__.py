"""Notebooks: `.ipynb` to cells and back, with kernel metadata, outputs and widget states."""
