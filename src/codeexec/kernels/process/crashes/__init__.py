"""Backtraces of programs that a signal has ended."""
