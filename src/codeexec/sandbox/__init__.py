"""Helper processes for documents that nobody vouches for: limits on memory and time, no network."""
