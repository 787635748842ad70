"""Reads what a kernel keeps for its clients, alive or dead."""
