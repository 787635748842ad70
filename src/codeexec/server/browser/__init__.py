"""The page of a session for browsers: who may see it, what it is sent, and its files."""
