"""Session servers that commands talk to: the local one, named ones, and their listeners."""
