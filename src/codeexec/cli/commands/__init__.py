"""The commands of `codeexec-tui` except `run`: one module each, imported when called."""
