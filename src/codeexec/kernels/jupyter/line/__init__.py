"""The line to a kernel: what is done when it was cut."""
