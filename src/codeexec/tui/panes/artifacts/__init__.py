"""What the session produced: a list of it, and the one that is looked at."""
