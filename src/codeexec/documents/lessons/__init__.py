"""Lessons: Markdown files whose code runs, step by step, and says what it is expected to print."""
