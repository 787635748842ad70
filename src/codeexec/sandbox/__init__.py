"""Helper processes for untrusted documents: limits on memory and time, no network."""
