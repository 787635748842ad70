"""Terminals of a Jupyter server, as terminals of an Environment."""
