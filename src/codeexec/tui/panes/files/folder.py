"""Folder listings: sorted entries, with those that .gitignore hides."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codeexec.domain.errors import CodeexecError
from codeexec.hostfiles.files import read
from codeexec.hostfiles.place import locate

if TYPE_CHECKING:
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
"""Patterns that are hidden by default, unless a .gitignore includes them (`!venv/`)."""

MOST_RULES = 1 << 20
"""Bytes of one .gitignore that are read."""

MOST_FILES = 20_000
"""Files that the finder knows; a folder with more is searched as far as that."""


_DIGITS = re.compile(r"([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """Something in a folder; a link to a folder counts as one."""

    path: Path
    is_dir: bool
    is_link: bool = False
    is_ignored: bool = False


_Chain = list[tuple[str, "GitIgnoreSpec"]]
"""Specifications that count in a folder, the nearest first, each with the way from its own
folder to there."""


class Ignored:
    """What the .gitignore files from the repository's top down to a folder hide.

    The deepest file that says something about a path decides, as in git
    (https://git-scm.com/docs/gitignore). Only a folder that is let through again (`!b/`) here
    lets through what is in it, too. They are read once: make another one to read again.
    """

    def __init__(self, root: Path) -> None:
        """`root` need not be in a repository: then its own files count, and those below it."""
        self._top = next(
            (folder for folder in (root, *root.parents) if (folder / ".git").exists()), root
        )
        self._chains: dict[Path, _Chain] = {}
        # 11 ms, which the first frame need not wait for.
        from codeexec.tui.panes.files.ignore_rules import Parser

        self._parse = Parser().parse
        self._always = self._parse(ALWAYS_HIDDEN)
        self._names: dict[str, bool] = {}

    def inside(self, folder: Path) -> Callable[[str, bool], bool]:
        """Says of names in `folder` (which is not itself hidden), and whether each is one of a
        folder, if they are hidden."""
        chain = self._chain(folder)

        def hides(name: str, is_dir: bool) -> bool:
            name = f"{name}/" if is_dir else name
            for way, spec in chain:
                is_included = spec.check_file(way + name).include
                if is_included is not None:
                    return is_included
            is_hidden = self._names.get(name)
            if is_hidden is None:
                is_hidden = self._names[name] = self._always.match_file(name)
            return is_hidden

        return hides

    def _chain(self, folder: Path) -> _Chain:
        chain = self._chains.get(folder)
        if chain is None:
            above: _Chain = []
            lines = _lines(folder / ".gitignore")
            if folder == self._top:
                lines = [*_lines(folder / ".git" / "info" / "exclude"), *lines]
            elif folder != folder.parent:
                step = f"{folder.name}/"
                above = [(f"{way}{step}", spec) for way, spec in self._chain(folder.parent)]
            own = [("", self._parse(lines))] if lines else []
            chain = self._chains[folder] = own + above
        return chain


def _lines(file: Path) -> list[str]:
    try:
        data, _ = read(locate(file), MOST_RULES)
    except (CodeexecError, OSError):
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    # For pathspec `a/**` is also the folder itself, for git only what is in it.
    return [f"{line}/*" if line.endswith("/**") else line for line in lines]


def list_folder(folder: Path, ignored: Ignored) -> tuple[FolderEntry, ...]:
    """All entries, folders first, each by name; OSError when the folder cannot be read, or a link
    has taken its place where none is followed."""
    hides = ignored.inside(folder)
    try:
        place = locate(folder)
    except CodeexecError as error:
        raise NotADirectoryError(str(error)) from error
    # A link that code in a container may have made is listed, and leads nowhere.
    follow = place.shared is None
    with place.folder() as handle, os.scandir(handle) as scanned:
        entries = [
            FolderEntry(
                folder / entry.name,
                is_dir := _is_dir(entry, follow),
                entry.is_symlink(),
                hides(entry.name, is_dir),
            )
            for entry in scanned
        ]
    return tuple(sorted(entries, key=_order))


def _is_dir(entry: os.DirEntry[str], follow: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow)
    except OSError:
        return False  # a link that leads nowhere we may look


def _order(entry: FolderEntry) -> tuple[bool, list[str | int]]:
    """Numbers in names by their value: `run2` before `run10`."""
    name = entry.path.name.casefold()
    parts = _DIGITS.split(name)
    # Text and numbers take turns, so that only like is held against like.
    return not entry.is_dir, [int(p) if i % 2 else p for i, p in enumerate(parts)]


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
    paths: list[str] = []
    for path in walk(root):
        if len(paths) >= most:
            break
        paths.append(path.relative_to(root).as_posix())
    return paths
