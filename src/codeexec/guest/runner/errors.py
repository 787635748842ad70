"""What code of cells is refused with."""

from __future__ import annotations


class UsageError(Exception):
    """A magic that was not used as it is meant, or that there is none of."""


class StdinNotImplementedError(NotImplementedError):
    """Raised when code asks for input in an execution that allows none."""
