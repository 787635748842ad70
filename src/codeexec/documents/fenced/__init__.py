"""Markdown files whose code fences are cells."""
