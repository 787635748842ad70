"""What the system tells of names in watched folders."""

from __future__ import annotations

from enum import IntFlag


class Noted(IntFlag):
    """What the system has told of a name since the last look. It says nothing about order."""

    ADDED = 1
    CHANGED = 2
    REMOVED = 4


Notes = dict[tuple[str, str], Noted]
"""By folder (its path below the root) and name. An empty name: the folder itself was removed, or
moved away."""


class NotifierFailed(Exception):
    """Notifications have been lost, or no more can be had."""
