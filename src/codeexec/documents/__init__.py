"""Text to cells and back: percent scripts, notebooks, plain files."""
