"""What .gitignore files hide, from the top of a repository down to a folder."""

from __future__ import annotations

from collections.abc import Callable
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

MOST_NAMES = 10_000
"""Names whose answer is remembered."""

MOST_RULES = 1 << 20
"""Bytes of one .gitignore that are read."""

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
        from codeexec.hostfiles.ignore_rules import Parser

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
                if len(self._names) >= MOST_NAMES:
                    self._names.clear()
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


def hidden_by_default() -> Callable[[str], bool]:
    """Says of a path of a file whether it is hidden where no .gitignore says anything."""
    from codeexec.hostfiles.ignore_rules import Parser

    return Parser().parse(ALWAYS_HIDDEN).match_file


def _lines(file: Path) -> list[str]:
    try:
        data, _ = read(locate(file), MOST_RULES)
    except (CodeexecError, OSError):
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    # For pathspec `a/**` is also the folder itself, for git only what is in it.
    return [f"{line}/*" if line.endswith("/**") else line for line in lines]
