"""Split view: one or two documents on the stage of the editor pane."""
