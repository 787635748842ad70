"""Finds the Python interpreters of folders and projects by their files alone."""
