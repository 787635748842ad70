"""File chooser: files of the folder and recent files, matched by letters of their name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from codeexec.domain.text.printable import printable
from codeexec.tui.panes.files.finder import Hit, best
from codeexec.tui.panes.files.folder import MOST_FILES, all_files
from codeexec.tui.render.counts import counted
from codeexec.tui.render.plain import fitted
from codeexec.tui.screens.picker import Picker, spread
from codeexec.tui.widgets.hints import Hint
from codeexec.tui.widgets.row_list import Ink, Pieces


@dataclass(frozen=True, slots=True)
class FileHit:
    """Row of a file: its name with the matched letters, then its folder."""

    hit: Hit
    target: Path
    note: str = ""

    def pieces(self, width: int) -> Pieces:
        path = self.hit.path
        cut = path.rfind("/") + 1
        folder = fitted(path[: max(cut - 1, 0)], max(width // 2, 10))
        side: Pieces = [(self.note or folder, "muted")] if self.note or folder else []
        return spread(self._name(path[cut:], cut), side, width)

    def _name(self, name: str, offset: int) -> Pieces:
        """In runs of what was typed and what was not."""
        made: Pieces = []
        # As many characters as before, so that places stay.
        for number, character in enumerate(printable(name), offset):
            ink: Ink = "accent" if number in self.hit.places else "text"
            if made and made[-1][1] == ink:
                made[-1] = (made[-1][0] + character, ink)
            else:
                made.append((character, ink))
        return made


class OpeningScreen(Picker[Path | None]):
    """Answers with the file; also one that is not there yet, where a path was typed.

    `recent` are files that were open, newest first: with nothing typed those of the folder come
    first, then the other files of the folder, then recent files of other folders.
    """

    placeholder: ClassVar[str] = "part of a name, or a path"

    def __init__(self, root: Path, recent: Sequence[Path] = (), title: str = "Open a file") -> None:
        super().__init__(title)
        self._root = root
        self._recent = [_relative(path, root) for path in recent]
        self._paths: Sequence[str] = self._in_order(())
        self._typed = ""
        self._found_for: str | None = None
        self._is_reading = True

    def hints(self) -> Sequence[Hint]:
        return (Hint("enter", "open", "choose"), Hint("esc", "close", "leave"))

    def begin(self) -> None:
        self.narrow("")
        self.run_worker(self._read(), group="read")

    async def _read(self) -> None:
        paths = await asyncio.to_thread(all_files, self._root)
        self._paths = self._in_order(paths)
        self._is_reading = False
        much = len(paths) >= MOST_FILES
        self.title_words(
            f"{self._title_words}  ·  {'the first ' if much else ''}{counted(len(paths), 'file')}"
        )
        self.narrow(self._typed)

    def _in_order(self, paths: Sequence[str]) -> list[str]:
        inside = [path for path in self._recent if not Path(path).is_absolute()]
        outside = [path for path in self._recent if Path(path).is_absolute()]
        return list(dict.fromkeys([*inside, *paths, *outside]))

    def narrow(self, typed: str) -> None:
        # Beside the loop, as the next key must not wait for the folder of a big project.
        self._typed = typed
        self.run_worker(self._find(typed), group="find", exclusive=True)

    async def _find(self, typed: str) -> None:
        hits = await asyncio.to_thread(best, typed, self._paths)
        rows = [FileHit(hit, self._root / hit.path, self._recent_words(hit.path)) for hit in hits]
        if (path := self._as_path(typed)) is not None and all(row.target != path for row in rows):
            if path.is_file():
                rows.insert(0, FileHit(Hit(str(path), 0), path))
            elif not path.is_dir() and not rows:
                rows.append(FileHit(Hit(str(path), 0), path, new_file_words(path)))
        self.show(rows)
        self._found_for = typed
        if self.is_deciding:
            self.action_choose()
        if self._is_reading and not rows:
            self.say("Reading the folder…")
        else:
            self.say("" if rows else ("Nothing fits." if typed else "There is no file here yet."))

    def _recent_words(self, path: str) -> str:
        return "recent" if not self._typed and path in self._recent and "/" not in path else ""

    def _as_path(self, typed: str) -> Path | None:
        """Where the words lead, read as a path."""
        if not typed or typed.endswith("/") or "\0" in typed:
            return None
        return Path(os.path.normpath(self._root / Path(typed).expanduser()))

    def action_choose(self) -> None:
        """Enter may come before the search is done, or the folder read: then it waits for that."""
        is_found = self._found_for == self.field.value.strip()
        self.is_deciding = not is_found or (self._is_reading and not self.list.rows)
        if not self.is_deciding:
            super().action_choose()

    def choose(self, at: int) -> None:
        row = self.list.rows[at]
        if isinstance(row, FileHit):
            self.dismiss(row.target)


def new_file_words(path: Path) -> str:
    """Of a path where no file is yet."""
    return "a new file" if path.parent.is_dir() else "a new file in a new folder"


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
