"""The commands of `codeexec-tui` but `run`, one module each, loaded when called."""
