"""The files pane: open, create, rename and delete files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from codeexec.domain.errors import CodeexecError
from codeexec.tui.commands.table import bindings
from codeexec.tui.panes.files.folder import FolderEntry
from codeexec.tui.panes.files.outline import FileRow, Outline
from codeexec.tui.panes.files.sources import FileSource, LocalSource, MachineSource
from codeexec.tui.panes.pane import BuildContext
from codeexec.tui.render.plain import plain_words
from codeexec.tui.session.ask import CopyRequested, Failed, TitleNoted
from codeexec.tui.session.feed import Frame
from codeexec.tui.session.machine_files import MachineFiles
from codeexec.tui.widgets.click_rows import ClickRows
from codeexec.tui.widgets.dialogs import Asker, Confirm
from codeexec.tui.widgets.row_list import RowList

_LOOK_EVERY = 2.0
"""Seconds between looks for files that came or went, where the session does not tell of them."""
_TOLD_LOOKS = 15
"""One look in so many is taken all the same where it does: what hides below links, and folders
beyond those that can be watched, are not told."""


def build(context: BuildContext) -> FilesPane:
    return FilesPane(context.folder, machine_files=context.machine_files)


class FilesPane(Vertical):
    """Folders are read when they are opened, beside the loop, and again when they change."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("files")]

    DEFAULT_CSS = """
    FilesPane ClickRows { height: 1fr; }
    FilesPane #nothing { height: 1fr; display: none; padding: 0 2; content-align: center middle;
        text-align: center; color: $text-muted; }
    FilesPane.-empty #nothing { display: block; }
    FilesPane.-empty ClickRows { height: 1; }
    """

    @dataclass
    class FileOpenRequested(Message):
        """Open this file in the editor."""

        path: Path
        is_elsewhere: bool = False
        """The path is one of the session's other machine."""

    @dataclass
    class FileRenamed(Message):
        """A file or folder has another name now, or with `after` None is gone."""

        before: Path
        after: Path | None
        is_elsewhere: bool = False

    def __init__(
        self, root: Path, id: str = "files", *, machine_files: MachineFiles | None = None
    ) -> None:
        """`root` is listed until the session, or `machine_files`, names another folder."""
        super().__init__(id=id)
        self._machine_files = machine_files
        self._source: FileSource = LocalSource(root)
        self._outline = Outline(self._source.root)
        if machine_files is not None:
            machine_files.listen(self._follow_machine)
        self._session_folder = ""
        """The session's folder as it was known last; empty before the first frame."""
        self._wanted: Path | None = None
        self._reading = asyncio.Lock()
        self._is_told = False
        """The session tells of changes in its folder."""
        self._looks_left = 0

    def compose(self) -> ComposeResult:
        yield ClickRows()
        yield Static(id="nothing", markup=False)

    def on_mount(self) -> None:
        self._list = self.query_one(ClickRows)
        self.set_interval(_LOOK_EVERY, self.look_again)
        if self._machine_files is not None and self._machine_files.is_elsewhere:
            self._follow_machine()
        else:
            self.run_worker(self._read([self.root]), group="files")

    @property
    def root(self) -> Path:
        return self._outline.root

    @property
    def chosen(self) -> Path | None:
        """What the cursor is on."""
        entry = self._entry
        return entry.path if entry is not None else None

    @property
    def paths(self) -> list[Path]:
        """All that is shown, from top to bottom."""
        return [row.entry.path for row in self._outline.rows()]

    @property
    def _entry(self) -> FolderEntry | None:
        rows = self._list.rows
        row = rows[self._list.cursor] if rows else None
        return row.entry if isinstance(row, FileRow) else None

    def focus(self, scroll_visible: bool = True) -> FilesPane:
        self._list.focus(scroll_visible)
        return self

    def take_focus(self) -> None:
        self.focus()

    def show_frame(self, frame: Frame) -> None:
        """List the session's folder, where code runs: a session that was chosen by name may have
        another one than the folder in which the workbench was started."""
        if self._is_elsewhere:
            # The machine tells no changes; what has run may have made some.
            if any(_is_over(frame, execution_id) for execution_id in frame.changed):
                self._looks_left = 0
            return
        cwd = frame.snapshot.cwd
        self._is_told = frame.snapshot.files_watched and not frame.snapshot.closed
        if any(told.others or told.added or told.removed for told in frame.files):
            self._looks_left = 0
            self.look_again()
        if cwd == self._session_folder:
            return
        self._session_folder = cwd
        folder = Path(cwd).absolute()
        if cwd and folder.resolve() != self.root.resolve():
            self._list_source(LocalSource(folder))

    @property
    def _is_elsewhere(self) -> bool:
        return isinstance(self._source, MachineSource)

    def _follow_machine(self) -> None:
        """List the folder of the machine that has the session's files."""
        files = self._machine_files
        if files is not None and files.is_elsewhere:
            self._list_source(MachineSource(files))
        elif self._is_elsewhere:
            self._list_source(LocalSource(Path(self._session_folder or ".")))
        machine = files.machine if files is not None else ""
        self.post_message(TitleNoted(self.id or "files", machine))

    def _list_source(self, source: FileSource) -> None:
        self._source, self._outline = source, Outline(source.root)
        if self.is_mounted:
            self._show()
            self.run_worker(self._read([self.root]), group="files")

    # -- reading ------------------------------------------------------------------------------

    def look_again(self) -> None:
        """Read again what has changed on disk."""
        if not self.is_on_screen or self._reading.locked():
            return
        # A machine that could not be asked is asked again soon: its line may be back.
        fault = self._outline.listings[self.root].fault if self._outline.listings else ""
        is_told = self._is_told and not self._outline.has_untold
        is_told = not fault if self._is_elsewhere else is_told
        if is_told and self._looks_left > 0:
            self._looks_left -= 1
            return
        self._looks_left = _TOLD_LOOKS
        self.run_worker(self._look(), group="files")

    async def _look(self) -> None:
        folders = self._outline.seen
        old = await self._source.stale(self._outline.listings, folders)
        if old:
            await self._read(old)

    async def _read(self, folders: Iterable[Path]) -> None:
        source = self._source
        async with self._reading:
            listings = await source.read(list(folders))
        if source is not self._source:
            return  # another folder is listed by now
        if self._outline.take(listings) or not self._list.rows:
            self._show()

    def _show(self) -> None:
        """The rows as they are now; the cursor stays on what it was on, or near it."""
        rows = self._outline.rows()
        at, chosen = self._list.cursor, self._wanted or self.chosen
        paths = [row.entry.path for row in rows]
        if chosen in paths:
            at, self._wanted = paths.index(chosen), None
        self._list.show(rows, at)
        self.set_class(not rows, "-empty")
        if not rows:
            self.query_one("#nothing", Static).update(plain_words(self._why_empty()))

    def _why_empty(self) -> str:
        listing = self._outline.listings.get(self.root)
        if listing is not None and listing.fault:
            return f"{self.root.name or self.root}\n\n{listing.fault}"
        if listing is not None and listing.entries:
            return "All that is here is hidden\n\n.  shows it"
        return "This folder is empty\n\na  makes a file"

    def reveal(self, path: Path) -> None:
        """Put the cursor on a file, and open the folders that it is in."""
        path = path.absolute()
        if path != self.chosen and path.is_relative_to(self.root):
            self._wanted = path
            above = self._outline.ancestors(path)
            self._outline.opened.update(above)
            self._show()
            fresh = [folder for folder in above if folder not in self._outline.listings]
            if fresh:
                self.run_worker(self._read(fresh), group="files")

    # -- keys and mouse ---------------------------------------------------------------------

    @on(RowList.Moved)
    def stop_moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._wanted = None

    @on(RowList.RowChosen)
    def choose(self, event: RowList.RowChosen) -> None:
        event.stop()
        self.action_open()

    def action_step(self, by: int) -> None:
        self._list.step(by)

    def action_end(self, way: int) -> None:
        self._list.go(len(self._list.rows) if way > 0 else 0)

    def action_open(self) -> None:
        entry = self._entry
        if entry is not None and entry.is_dir:
            self._set_open(entry.path, entry.path not in self._outline.opened)
        elif entry is not None:
            self.post_message(self.FileOpenRequested(entry.path, self._is_elsewhere))

    def action_toggle_folder(self) -> None:
        if self._entry is not None and self._entry.is_dir:
            self.action_open()

    def action_inward(self) -> None:
        """Open a folder; of an open one, go to the first that is in it."""
        entry = self._entry
        if entry is None or not entry.is_dir:
            return
        if entry.path not in self._outline.opened:
            self._set_open(entry.path, True)
        elif self._list.cursor + 1 < len(self._list.rows):
            self._list.step(1)

    def action_outward(self) -> None:
        """Close a folder; else go to the folder that it is in."""
        path = self.chosen
        if path is None:
            return
        if path in self._outline.opened:
            self._set_open(path, False)
        elif path.parent in self.paths:
            self._list.go(self.paths.index(path.parent))

    def _set_open(self, folder: Path, opened: bool) -> None:
        if opened:
            self._outline.opened.add(folder)
            self.run_worker(self._read([folder]), group="files")
        else:
            self._outline.opened.discard(folder)
        self._show()

    def action_reload(self) -> None:
        self.run_worker(self._read(self._outline.seen), group="files")

    def action_toggle_ignored(self) -> None:
        self._outline.shows_ignored = not self._outline.shows_ignored
        self._show()

    # -- changing things ----------------------------------------------------------------------

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def action_create(self) -> None:
        self.run_worker(self._create(), group="change", exclusive=True)

    async def _create(self) -> None:
        entry = self._entry
        folder = self.root
        if entry is not None:
            is_open = entry.is_dir and entry.path in self._outline.opened
            folder = entry.path if is_open else entry.path.parent
        place = "" if folder == self.root else f" in {self._relative(folder)}/"
        hint = "A name ending in / makes a folder"
        name = await self.app.push_screen_wait(Asker(f"New file{place}", "", hint))
        if name is None:
            return
        try:
            path = await self._source.create(folder, name)
        except CodeexecError as error:
            self.post_message(Failed(error))
            return
        await self._land(path)
        if not name.rstrip().endswith("/"):
            self.post_message(self.FileOpenRequested(path, self._is_elsewhere))

    async def _land(self, path: Path) -> None:
        """Show the tree anew with the cursor on that."""
        self._wanted = path
        self._outline.opened.update(self._outline.ancestors(path))
        await self._read({*self._outline.seen, *self._outline.ancestors(path)})
        self._show()

    def action_rename(self) -> None:
        if self.chosen is not None:
            self.run_worker(self._rename(self.chosen), group="change", exclusive=True)

    async def _rename(self, path: Path) -> None:
        hint = "With slashes, it moves to another folder"
        name = await self.app.push_screen_wait(Asker(f"Rename “{path.name}”", path.name, hint))
        if name is None or name == path.name:
            return
        try:
            target = await self._source.rename(path, name)
        except CodeexecError as error:
            self.post_message(Failed(error))
            return
        self._outline.moved(path, target)
        await self._land(target)
        self.post_message(self.FileRenamed(path, target, self._is_elsewhere))

    def action_copy_path(self) -> None:
        if self._entry is not None:
            self.post_message(CopyRequested(str(self._entry.path), "Its path"))

    def action_delete(self) -> None:
        if self._entry is not None:
            self.run_worker(self._delete(self._entry), group="change", exclusive=True)

    async def _delete(self, entry: FolderEntry) -> None:
        message = "It is gone for good."
        if entry.is_link:
            message = "What the link points to stays."
        elif entry.is_dir:
            message = "With all that is in it, for good."
        answers = [("cancel", "Cancel"), ("delete", "Delete")]
        dialog = Confirm(f"Delete “{self._relative(entry.path)}”?", message, answers)
        if await self.app.push_screen_wait(dialog) != "delete":
            return
        try:
            await self._source.delete(entry.path)
        except CodeexecError as error:
            self.post_message(Failed(error))
        else:
            self.post_message(self.FileRenamed(entry.path, None, self._is_elsewhere))
        await self._read(self._outline.seen)


def _is_over(frame: Frame, execution_id: str) -> bool:
    view = frame.view(execution_id)
    return view is not None and not view.is_open
