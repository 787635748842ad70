"""Files of a session: the workspace by its environment, artifacts, collection of new files."""
