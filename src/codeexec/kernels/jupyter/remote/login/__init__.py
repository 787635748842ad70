"""Logins at Jupyter servers with a password."""
