"""What ipywidgets leaves to a front end, done once for all clients of a session."""
