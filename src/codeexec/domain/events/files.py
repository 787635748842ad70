"""Events of files in the working folder of a session."""

from __future__ import annotations

from codeexec.domain.events.base import Event

MOST_PATHS = 200
"""Paths of one event."""


class FilesChanged(Event, frozen=True):
    """Files below the working folder are not as they were; what .gitignore hides is left out,
    and folders whose name begins with a dot.

    Paths are relative to the folder; one that ends in a slash is a folder. A folder that was
    removed or moved away is one path, with all that was in it. `others`: more has changed than is
    listed, or may have changed unseen (watching has just begun): list the files that you show.
    `is_watched` is false once changes are not told any more.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    others: bool = False
    is_watched: bool = True
