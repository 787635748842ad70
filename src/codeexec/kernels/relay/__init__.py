"""Kernels behind a relay: their channels, their ends, and the files that are sent there."""
