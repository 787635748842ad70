"""The panes of the workbench; each folder is one pane with all that belongs to it."""
