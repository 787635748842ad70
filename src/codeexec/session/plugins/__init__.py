"""Plugins of a session, its session variables, and the reports of its executions."""
