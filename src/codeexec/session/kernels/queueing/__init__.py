"""What waits for a kernel, in which order, and with what."""
