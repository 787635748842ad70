"""Find programs on PATH, but in no folder that code in a container can change.

With the environment of a project activated, its `bin` comes first on PATH. Code in a container
that works in the project could put a `docker` there, which we would run on this machine.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from codeexec.domain.errors import Denied, UsageError
from codeexec.hostfiles.place import locate
from codeexec.hostfiles.shared import shared_folders


def which(program: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The absolute path of a program, as `shutil.which`; None also where code in a container
    could have put it there."""
    path = safe_path(environ)
    while (candidate := _find(program, path)) is not None:
        if not _is_changeable(candidate, shared_folders()):
            return os.path.abspath(candidate)  # noqa: PTH100  # by spelling: links name programs
        if os.sep in program:
            return None
        # It is a link into such a folder: the next folder of PATH may have another one.
        folder = os.path.dirname(candidate)  # noqa: PTH120
        path = os.pathsep.join(entry for entry in path.split(os.pathsep) if entry != folder)
    return None


def _find(program: str, path: str) -> str | None:
    """As `shutil.which` on POSIX, without what importing `shutil` loads: compressors."""
    # An empty entry of PATH is the current folder, in which nothing is looked for.
    folders = [""] if os.sep in program else list(filter(None, path.split(os.pathsep)))
    candidates = (os.path.join(folder, program) for folder in folders)  # noqa: PTH118
    for candidate in candidates:
        is_folder = os.path.isdir(candidate)  # noqa: PTH112
        if program and not is_folder and os.access(candidate, os.X_OK):
            return candidate
    return None


def safe_path(environ: Mapping[str, str] | None = None) -> str:
    """PATH without relative entries and without those that code in a container can change."""
    environ = os.environ if environ is None else environ
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    changeable = shared_folders()
    return os.pathsep.join(
        entry for entry in entries if entry[:1] == "/" and not _is_changeable(entry, changeable)
    )


def safe_environ(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program that itself runs others by name."""
    environ = os.environ if environ is None else environ
    return {**environ, "PATH": safe_path(environ)}


def editor_command(environ: Mapping[str, str] | None = None) -> list[str]:
    """$VISUAL, $EDITOR or `vi` as a command; UsageError where it is none that can be run."""
    environ = os.environ if environ is None else environ
    command_line = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        arguments = shlex.split(command_line)
    except ValueError:
        arguments = []
    program = which(arguments[0], environ) if arguments else None
    if program is None:
        raise UsageError(
            f"The editor {command_line!r} cannot be started: no such program exists, or code "
            "in a container could have put it there.",
            "Set EDITOR to one that is there.",
        )
    return [program, *arguments[1:]]


def _is_changeable(path: str, changeable: frozenset[str]) -> bool:
    if not changeable:
        return False
    try:
        return locate(Path(path), changeable).shared is not None
    except Denied:  # it leads over a link that such code made
        return True
