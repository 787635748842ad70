"""Figures about the server, for who runs it."""
