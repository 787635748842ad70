"""`codeexec-tui record` and `play`."""
