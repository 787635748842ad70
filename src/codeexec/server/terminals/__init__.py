"""The terminal socket: a shell of a session for pages in a browser."""
