"""What the workbench is opened with: the words of the command line, once they are understood."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """Paths are as they were typed, relative to the working folder. Empty: as the settings say."""

    files: tuple[str, ...] = ()
    """Files, or one folder."""

    kernel: str = ""
    """Name of a kernel, or path of a Python or of an environment."""

    session: str = ""
    """Open, or begin, the session of this name. With `attach` also the beginning of an id."""

    new: bool = False
    """Begin a new session even if this folder has one."""

    docker: str | None = None
    """The image to run code in; empty: our own; None: no container unless the settings say so."""

    theme: str = ""
    """Colours, for this time."""

    attach: bool = False
    """Join a session that runs: that of `session`, or the one used last."""

    watch: bool = False
    """Only look: nothing can be changed."""

    demo: bool = False
    """Take the tour."""
