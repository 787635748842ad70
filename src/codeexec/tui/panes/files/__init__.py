"""The files pane: tree of the working folder."""
