"""Machines that the system's `ssh` reaches: its command, its failures, and environments there."""
