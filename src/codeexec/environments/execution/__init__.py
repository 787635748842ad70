"""Execution environments: sessions of an architecture's runner scripts, in any kind of place."""
