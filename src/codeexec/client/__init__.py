"""All that a face may hold of the engine."""
