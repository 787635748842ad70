"""Chooses and keeps the folders in which projects are built."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from codeexec.domain.errors import StorageError
from codeexec.hostfiles.state import cache_folder
from codeexec.kernels.process.steps.cache import check_own
from codeexec.languages.projects.detect import Project
from codeexec.languages.projects.plan import QUERY, QUERY_TEXT, BuildChoice, configured_folder
from codeexec.languages.projects.presets import choose_preset

MOST_FOLDERS = 16
"""Build folders that are kept in the cache; those used least recently are removed."""


def build_folder(project: Project, choice: BuildChoice, environ: Mapping[str, str]) -> Path:
    """Where the project is built: with a preset where that says, else in `build` if the user has
    configured that and asks for nothing else, else in a folder of the cache. Make and Ninja build
    where their file is. UsageError for an unknown preset."""
    if project.system in ("make", "ninja"):
        return project.folder
    if choice.preset:
        preset = choose_preset(project, choice.preset, environ)
        if preset.folder is not None:
            return preset.folder
    elif not choice.is_configured_by_user and (folder := configured_folder(project)) is not None:
        return folder
    return _root(environ) / folder_name(project, choice)


def folder_name(project: Project, choice: BuildChoice) -> str:
    """The name of a folder in which this project alone is built, with this choice alone."""
    chosen = [choice.preset, choice.profile, choice.compiler, *choice.flags]
    chosen += [f"std={choice.standard}"] if choice.standard else []
    identity = json.dumps([str(project.folder), *chosen]).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(identity, digest_size=8).hexdigest()
    return f"{project.folder.name}-{digest}"


def prepare_folder(
    project: Project, folder: Path, environ: Mapping[str, str], *, is_fresh: bool
) -> None:
    """Make the folder, and ask CMake to tell its targets there. With `is_fresh` one of the cache
    is emptied. StorageError."""
    root = _root(environ)
    try:
        if folder.parent == root:
            if is_fresh:
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            check_own(folder)
            os.utime(folder)
            _sweep(root)
        if project.system == "cmake" and not (folder / QUERY).exists():
            (folder / QUERY).parent.mkdir(parents=True, exist_ok=True)
            (folder / QUERY).write_text(QUERY_TEXT)
    except OSError as error:
        raise StorageError(
            f"{project.title} cannot be built in {folder}: {error.strerror or error}.",
            "Make room or make it writable, or set XDG_CACHE_HOME to another folder.",
        ) from error


def lock_folder(folder: Path, environ: Mapping[str, str]) -> int:
    """Wait for other builds in the folder. Closing the descriptor lets the next one begin.
    StorageError."""
    digest = hashlib.blake2b(os.fsencode(folder), digest_size=8).hexdigest()
    path = _root(environ) / f"{digest}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            f"{path.parent} cannot be written: {error.strerror or error}.",
            "Make room or make it writable, or set XDG_CACHE_HOME to another folder.",
        ) from error
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


@contextlib.contextmanager
def locked(folder: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """See `lock_folder`."""
    lock = lock_folder(folder, environ)
    try:
        yield
    finally:
        os.close(lock)


def _root(environ: Mapping[str, str]) -> Path:
    return Path(cache_folder(environ), "projects")


def _sweep(root: Path) -> None:
    folders = [entry for entry in root.iterdir() if entry.is_dir()]
    for folder in sorted(folders, key=_last_use, reverse=True)[MOST_FOLDERS:]:
        shutil.rmtree(folder, ignore_errors=True)


def _last_use(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return folder.stat().st_mtime
    return 0.0
