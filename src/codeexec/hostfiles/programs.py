"""Find programs on PATH, but in no folder that code in a container can change.

With the environment of a project activated, its `bin` comes first on PATH. Code in a container
that works in the project could put a `docker` there, which we would run on this machine.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from codeexec.domain.errors import Denied, UsageError

from .place import locate
from .shared import shared_folders


def which(program: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The absolute path of a program, as `shutil.which`; None also where code in a container
    could have put it there."""
    path = safe_path(environ)
    while (found := shutil.which(program, path=path)) is not None:
        if not _is_changeable(found):
            return os.path.abspath(found)  # noqa: PTH100  # by spelling: links name programs
        if os.sep in program:
            return None
        # It is a link into such a folder: the next folder of PATH may have another one.
        folder = os.path.dirname(found)  # noqa: PTH120
        path = os.pathsep.join(each for each in path.split(os.pathsep) if each != folder)
    return None


def safe_path(environ: Mapping[str, str] | None = None) -> str:
    """PATH without relative entries and without those that code in a container can change."""
    environ = os.environ if environ is None else environ
    entries = environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(each for each in entries if each[:1] == "/" and not _is_changeable(each))


def safe_environ(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program that itself runs others by name."""
    environ = os.environ if environ is None else environ
    return {**environ, "PATH": safe_path(environ)}


def editor_command(environ: Mapping[str, str] | None = None) -> list[str]:
    """$VISUAL, $EDITOR or `vi` as a command; UsageError where it is none that can be run."""
    environ = os.environ if environ is None else environ
    wanted = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(wanted)
    except ValueError:
        words = []
    program = which(words[0], environ) if words else None
    if program is None:
        raise UsageError(
            f"The editor {wanted!r} cannot be started: there is no such program, or code in a "
            "container could have put it there.",
            "Set EDITOR to one that is there.",
        )
    return [program, *words[1:]]


def _is_changeable(path: str) -> bool:
    if not shared_folders():
        return False
    try:
        return locate(Path(path)).shared is not None
    except Denied:  # it leads over a link that such code made
        return True
