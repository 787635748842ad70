"""Jupyter messages: bytes, requests, replies, and their translation into events."""
