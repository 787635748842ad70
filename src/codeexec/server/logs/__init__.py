"""Logs of the server: lines of JSON or text, each with the id of its request."""
