"""`codeexec-tui lesson`: lessons are verified, and begun."""
