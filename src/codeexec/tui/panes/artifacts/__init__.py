"""Artifacts pane: outputs of the session as a list with a preview."""
