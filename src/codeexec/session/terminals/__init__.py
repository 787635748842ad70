"""Terminals of a session: emulators, their log, and what clients see of them."""
