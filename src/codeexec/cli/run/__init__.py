"""`codeexec-tui run`: cells, notebooks and stdin through a session, without a screen."""
