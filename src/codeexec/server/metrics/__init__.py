"""Figures about the server, for its operator."""
