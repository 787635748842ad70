"""The workbench, and the screens that come over it for a moment."""
