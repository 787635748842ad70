"""Workspace trust: which folders may run code, and the record of those decisions."""
