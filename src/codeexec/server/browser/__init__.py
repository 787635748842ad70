"""The page of a session for browsers: its addresses, its stream and its files."""
