"""What a folder holds: its entries in order, told apart by what .gitignore hides."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

ALWAYS_HIDDEN = (
    ".git",
    "__pycache__/",
    ".ipynb_checkpoints/",
    ".venv/",
    "venv/",
    "node_modules/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    "*.pyc",
    ".DS_Store",
)
"""What nobody opens in an editor, hidden unless a .gitignore says otherwise (`!venv/`)."""

MOST_FILES = 20_000
"""Files that the finder knows; a folder with more is searched as far as that."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a folder; a link to a folder counts as one."""

    path: Path
    is_dir: bool
    is_link: bool = False
    is_ignored: bool = False


class Ignored:
    """What the .gitignore files from the repository's top down to a folder hide.

    The deepest file that says something about a path decides, as in git
    (https://git-scm.com/docs/gitignore). They are read once: make another one to read again.
    """

    def __init__(self, root: Path) -> None:
        """`root` need not be in a repository: then its own files count, and those below it."""
        self._top = next(
            (folder for folder in (root, *root.parents) if (folder / ".git").exists()), root
        )
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._always = GitIgnoreSpec.from_lines(ALWAYS_HIDDEN)

    def hides(self, path: Path, is_dir: bool) -> bool:
        """Whether `path`, in a folder that is not itself hidden, is."""
        tail = "/" if is_dir else ""
        folder = path.parent
        while True:
            spec = self._spec(folder)
            if spec is not None:
                said = spec.check_file(path.relative_to(folder).as_posix() + tail).include
                if said is not None:
                    return said
            if folder == self._top or folder == folder.parent:
                return self._always.match_file(path.name + tail)
            folder = folder.parent

    def _spec(self, folder: Path) -> GitIgnoreSpec | None:
        if folder not in self._specs:
            lines = _lines(folder / ".gitignore")
            if folder == self._top:
                lines = [*_lines(folder / ".git" / "info" / "exclude"), *lines]
            self._specs[folder] = GitIgnoreSpec.from_lines(lines) if lines else None
        return self._specs[folder]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def list_folder(folder: Path, ignored: Ignored) -> tuple[Entry, ...]:
    """All entries, folders first, each by name; OSError when the folder cannot be read."""
    with os.scandir(folder) as found:
        entries = [
            Entry(
                path := Path(entry.path),
                is_dir := _is_dir(entry),
                entry.is_symlink(),
                ignored.hides(path, is_dir),
            )
            for entry in found
        ]
    return tuple(sorted(entries, key=_order))


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads nowhere we may look


def _order(entry: Entry) -> tuple[bool, list[tuple[bool, int, str]]]:
    """Numbers in names by their value: `run2` before `run10`."""
    parts: list[tuple[bool, int, str]] = []
    digits = ""
    for sign in f"{entry.path.name.casefold()}\0":
        if sign.isdecimal():
            digits += sign
            continue
        if digits:
            parts.append((False, int(digits), ""))
            digits = ""
        parts.append((True, 0, sign))
    return not entry.is_dir, parts


def walk(root: Path) -> Iterator[Path]:
    """The files that nothing hides, near ones first; links to folders are not followed."""
    ignored = Ignored(root)
    level = [root]
    while level:
        deeper: list[Path] = []
        for folder in level:
            try:
                inside = list_folder(folder, ignored)
            except OSError:
                continue  # a folder that we may not read holds nothing to open
            for entry in inside:
                if entry.is_ignored:
                    continue
                if not entry.is_dir:
                    yield entry.path
                elif not entry.is_link:
                    deeper.append(entry.path)
        level = deeper


def all_files(root: Path, most: int = MOST_FILES) -> Sequence[str]:
    """Paths relative to `root` of at most that many files."""
    found: list[str] = []
    for path in walk(root):
        if len(found) >= most:
            break
        found.append(path.relative_to(root).as_posix())
    return found
