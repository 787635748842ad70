"""Which settings of a project choose what is executed, and so wait for trust."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from codeexec.domain.content.digests import blake2s
from codeexec.domain.places.backends import CONTAINERS
from codeexec.environments.pythons.folders import interpreter_at, looks_like_path, owner_folder
from codeexec.environments.trust.store import NO_SETTINGS, Trust

LOOKS = ("appearance", "console", "editor", "notify", "run", "sessions")
"""Tables that choose nothing that is executed: they count without trust. A new table does not."""


def is_guarded(name: str) -> bool:
    """Whether a setting of a project, such as `kernel.name`, waits for trust."""
    return name.partition(".")[0] not in LOOKS


def guarded_digest(content: Iterable[tuple[str, object]]) -> str:
    """Differs where what would be executed differs; NO_SETTINGS: nothing is chosen."""
    guarded = sorted((name, repr(value)) for name, value in content if is_guarded(name))
    if not guarded:
        return NO_SETTINGS
    return blake2s(repr(guarded).encode("utf-8", "surrogatepass")).hexdigest()


def refused_settings(
    file: Path, content: Sequence[tuple[str, object]], trust: Trust
) -> frozenset[str]:
    """The settings of a project's file that do not count, as its folder is not trusted.

    `docker` as the backend always counts: it only confines more, and without it code that is
    meant for a container would run on this machine.
    """
    guarded = {
        name
        for name, value in content
        if is_guarded(name)
        and not (name == "kernel.backend" and value == CONTAINERS)
        and (not name.startswith("docker.") or name == "docker.image")  # the others never count
    }
    if not guarded or trust.allows(str(file.parent), str(file), guarded_digest(content)):
        return frozenset()
    return frozenset(guarded)


def untrusted_holder(kernel: str, folder: Path, trust: Trust) -> str:
    """For a `kernel.name` such as `.venv`, which means a file of whatever folder is opened: the
    folder that must be trusted first. Empty: none has to."""
    if not looks_like_path(kernel) or kernel.startswith(("/", "~")):
        return ""
    interpreter = interpreter_at(str(folder / kernel))
    holder = owner_folder(interpreter) if interpreter else ""
    return "" if not holder or trust.allows(holder, interpreter) else holder


def untrusted_plugins(words: str, folder: Path, trust: Trust) -> str:
    """The same for a `session.plugins` of the user, such as `plugins`, which means files of
    whatever folder is opened."""
    try:
        names = shlex.split(words)
    except ValueError:
        return ""  # who loads them says so
    paths = [folder / name for name in names if not name.startswith(("/", "~"))]
    are_trusted = all(trust.allows(str(folder), str(path)) for path in paths if path.exists())
    return "" if are_trusted else str(folder)
