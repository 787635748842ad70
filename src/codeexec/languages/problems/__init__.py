"""Readers of the reports of compilers, interpreters and sanitizers."""
