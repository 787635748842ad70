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

    from codeexec.hostfiles.ignore_rules import Parser

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

_HIDDEN_SUFFIX = ".pyc"

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
        self._parser: Parser | None = None

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
            return is_always_hidden(name)

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

    def _parse(self, lines: list[str]) -> GitIgnoreSpec:
        if self._parser is None:
            # 11 ms and 0.4 MB, which folders without .gitignore do without.
            from codeexec.hostfiles.ignore_rules import Parser

            self._parser = Parser()
        return self._parser.parse(lines)


def is_always_hidden(name: str) -> bool:
    """Whether `ALWAYS_HIDDEN` has the name of a file, or that of a folder with `/` at its end."""
    plain = name.removesuffix("/")
    return name in ALWAYS_HIDDEN or plain in ALWAYS_HIDDEN or plain.endswith(_HIDDEN_SUFFIX)


def hidden_by_default(path: str) -> bool:
    """Whether the file of this path is hidden where no .gitignore says anything."""
    *folders, name = path.split("/")
    return is_always_hidden(name) or any(is_always_hidden(f"{folder}/") for folder in folders)


def _lines(file: Path) -> list[str]:
    try:
        data, _ = read(locate(file), MOST_RULES)
    except (CodeexecError, OSError):
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    # For pathspec `a/**` is also the folder itself, for git only what is in it.
    return [f"{line}/*" if line.endswith("/**") else line for line in lines]
