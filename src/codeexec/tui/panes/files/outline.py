"""File tree as rows: open folders and their cached listings; no widgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from codeexec.domain.text.printable import printable
from codeexec.hostfiles.ignored import Ignored
from codeexec.tui.panes.files.folder import FolderEntry, list_folder
from codeexec.tui.render.plain import fitted
from codeexec.tui.widgets.row_list import Pieces


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder held; `changed_ns` tells when to read it again. `fault` says in words why
    it could not be read."""

    entries: tuple[FolderEntry, ...] = ()
    changed_ns: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file or folder at a depth of the tree."""

    entry: FolderEntry
    depth: int
    is_open: bool = False
    fault: str = ""

    def pieces(self, width: int) -> Pieces:
        entry = self.entry
        indent = "  " * min(self.depth, max((width - 12) // 2, 0))
        mark = ("▾ " if self.is_open else "▸ ") if entry.is_dir else "  "
        name = entry.path.name + ("/" if entry.is_dir else "")
        # Names of files may hold anything, also what would act on the terminal.
        name = printable(name)
        room = width - len(indent) - 2
        pieces: Pieces = [
            (indent + mark, "muted"),
            (fitted(name, room), "muted" if entry.is_ignored else "text"),
        ]
        if self.fault and room > len(name) + 3:
            pieces.append((fitted(f"  {self.fault}", room - len(name)), "error"))
        elif entry.is_link and room > len(name) + 2:
            pieces.append((" →", "muted"))
        return pieces


@dataclass
class Outline:
    """Folders are read by `read` (which may be called in a thread) and put in by `take`."""

    root: Path
    shows_ignored: bool = False
    opened: set[Path] = field(default_factory=set)
    listings: dict[Path, Listing] = field(default_factory=dict)

    def rows(self) -> list[FileRow]:
        """What is to be seen now, from top to bottom."""
        return list(self._rows(self.root, 0))

    def _rows(self, folder: Path, depth: int) -> Iterator[FileRow]:
        for entry in self.listings.get(folder, Listing()).entries:
            if entry.is_ignored and not self.shows_ignored:
                continue
            is_open = entry.is_dir and entry.path in self.opened
            listing = self.listings.get(entry.path)
            yield FileRow(entry, depth, is_open, listing.fault if listing and is_open else "")
            if is_open:
                yield from self._rows(entry.path, depth + 1)

    @property
    def seen(self) -> list[Path]:
        """The folders whose content is shown or asked for."""
        rows = self.rows()
        return [self.root, *(row.entry.path for row in rows if row.is_open)]

    @property
    def has_untold(self) -> bool:
        """Whether a folder may be shown whose changes the session does not tell: an ignored one,
        or one below a name that begins with a dot."""
        parts = {part for folder in self.opened for part in folder.parts[len(self.root.parts) :]}
        return self.shows_ignored or any(part.startswith(".") for part in parts)

    def ancestors(self, path: Path) -> list[Path]:
        """The folders that must be open for `path` to be seen; none if it is not inside."""
        if not path.is_relative_to(self.root):
            return []
        return [parent for parent in path.parents if parent.is_relative_to(self.root)][:-1]

    def take(self, listings: Mapping[Path, Listing]) -> bool:
        """Put in what was read; whether anything is another than before."""
        changed = any(self.listings.get(folder) != listing for folder, listing in listings.items())
        self.listings.update(listings)
        return changed

    def moved(self, old_path: Path, new_path: Path) -> None:
        """A folder has another name: what was open in it stays open."""
        self.opened = {
            new_path / path.relative_to(old_path) if path.is_relative_to(old_path) else path
            for path in self.opened
        }


def read(root: Path, folders: Iterable[Path]) -> dict[Path, Listing]:
    """Look into folders of the tree that begins at `root`."""
    ignored = Ignored(root)
    listings: dict[Path, Listing] = {}
    for folder in folders:
        try:
            # Before reading: what changes meanwhile is then noticed the next time.
            changed = folder.stat().st_mtime_ns
            listings[folder] = Listing(list_folder(folder, ignored), changed)
        except OSError as error:
            listings[folder] = Listing(fault=(error.strerror or type(error).__name__).lower())
    return listings


def stale(listings: Mapping[Path, Listing], folders: Iterable[Path]) -> list[Path]:
    """Those of the folders that are not as they were read."""
    outdated: list[Path] = []
    for folder in folders:
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            changed = 0
        if folder not in listings or listings[folder].changed_ns != changed:
            outdated.append(folder)
    return outdated
