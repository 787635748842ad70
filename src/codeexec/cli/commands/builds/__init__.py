"""`build` of projects, and in containers."""
