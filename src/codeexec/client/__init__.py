"""Access of clients to the engine."""
