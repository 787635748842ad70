"""`codeexec-tui run`: runs cells, notebooks and stdin in a session, without a screen."""
