"""A lesson that is given on a session: where it is, and what it runs."""
