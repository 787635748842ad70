"""Terminal pane: shells of the session, their screens, scrollback and keys."""
