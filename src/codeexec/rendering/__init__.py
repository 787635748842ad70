"""Draws vector pictures, charts and formulas to PNG, in a helper process with limits."""
