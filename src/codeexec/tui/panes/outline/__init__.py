"""The outline pane of the document in front."""
