"""The page of the session for browsers: opened here, or its address shown for an audience."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace
from textual.message import Message

from codeexec.documents.model import Cell
from codeexec.domain.errors import CodeexecError, UsageError
from codeexec.domain.requests import ClosePages, OpenPage, PageAddress, PageLesson
from codeexec.domain.text.printable import printable
from codeexec.tui.panes.console.messages import ConsoleMessages
from codeexec.tui.session.ask import CopyRequested
from codeexec.tui.session.watch_only import refusal
from codeexec.tui.widgets.dialogs import Confirm
from codeexec.tui.workbench.dispatch import Handler, InWorker
from codeexec.tui.workbench.surface import Surface, WorkbenchState

if TYPE_CHECKING:
    from codeexec.tui.panes.documents.document_view import DocumentView


class FrontCells(NamedTuple):
    """Cells of the document in front, the name that runs of each have and its attachments, and the
    folder of its pictures; None where it is not on this machine."""

    cells: Sequence[Cell]
    document: str
    title: str
    folder: Path | None
    names: Mapping[int, str]
    attachments: Mapping[int, Mapping[str, object]]


def front_cells(sheet: DocumentView | None) -> FrontCells | None:
    """The cells of a document; None where it has less than two."""
    cells = sheet.editor.cells() if sheet is not None else ()
    if sheet is None or len(cells) < 2:
        return None
    references = {cell.index: sheet.cell_states.ref(cell) for cell in cells}
    document = next(iter(references.values())).document
    has_folder = not sheet.machine and not sheet.untitled
    return FrontCells(
        tuple(cells),
        document,
        sheet.untitled or sheet.document.path.name,
        sheet.document.path.parent if has_folder else None,
        {index: reference.cell for index, reference in references.items()},
        {cell.index: sheet.notebook_cells.attachments(cell.key) for cell in cells},
    )


class PageController:
    """`lesson_file` tells the file of the lesson that is being given; empty: none is. `front_cells`
    gives the document in front, None where it has no cells. `open_url`
    opens a browser in place of the desktop's; it may block, and raise CodeexecError."""

    def __init__(
        self,
        surface: Surface,
        state: WorkbenchState,
        lesson_file: Callable[[], str],
        front_cells: Callable[[], FrontCells | None],
        open_url: Callable[[str], None] | None = None,
    ) -> None:
        self._surface = surface
        self._state = state
        self._lesson_file = lesson_file
        self._front_cells = front_cells
        self._open_url = open_url

    def actions(self) -> Mapping[str, Handler]:
        return {
            "open_page": InWorker(self.open_page, "page"),
            "use_page": InWorker(self.use_page, "page"),
            "share_page": InWorker(self.share_page, "page"),
            "close_pages": InWorker(self.close_pages, "page"),
        }

    def messages(self) -> Mapping[type[Message], Handler]:
        return {ConsoleMessages.BrowserRequested: InWorker(self.show_execution, "page")}

    async def open_page(self) -> None:
        """Show the session in the browser of this machine, or an address that is good once."""
        await self._give_out(is_shared=False)

    async def use_page(self) -> None:
        """The same, with figures that can be used and widgets that can be operated."""
        await self._give_out(is_shared=False, is_usable=True)

    async def show_execution(self, event: ConsoleMessages.BrowserRequested) -> None:
        """The same, at one of its executions."""
        await self._give_out(is_shared=False, execution_id=event.execution_id)

    async def share_page(self) -> None:
        """Show an address for an audience."""
        await self._give_out(is_shared=True)

    async def close_pages(self) -> None:
        """Revoke all addresses of the session's page."""
        if self._refuses():
            return
        try:
            done = await self._state.host.call(ClosePages(self._state.session.session_id))
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        count = f"{done.count} {'address' if done.count == 1 else 'addresses'}"
        self._surface.notify(f"Revoked {count} of this session's page.", timeout=5)

    async def _give_out(
        self, *, is_shared: bool, is_usable: bool = False, execution_id: str = ""
    ) -> None:
        if self._refuses():
            return
        from codeexec.client.browser import forward_command, has_browser, page_url  # 9 ms

        session_id = self._state.session.session_id
        lesson = None
        try:
            lesson = await asyncio.to_thread(self._read_shown, self._front_cells())
        except CodeexecError as error:
            self._surface.show_error(error)  # the page shows its runs all the same
        request = OpenPage(
            session_id, is_shared, interactive=is_usable, control=is_usable, lesson=lesson
        )
        try:
            page = await self._open_page(request)
        except CodeexecError as error:
            self._surface.show_error(error)
            return
        target = self._state.options.server
        server = target.address if target is not None else None
        url, forward = page_url(page, server), forward_command(page, os.environ, server)
        if execution_id:
            url += f"#{execution_id}"  # browsers keep it when they are led to the page
        can_open = not forward and has_browser(os.environ)
        if can_open and not is_shared:
            await self._open(url)
            return
        title = "Address for an audience" if is_shared else "Address of this session's page"
        use = (
            "All who have it see the session, and change nothing, until you revoke it."
            if is_shared
            else "It opens the page once, within ten minutes."
        )
        if lesson is not None:
            use += f"\n\nThe page has the cells of {printable(lesson.title)} as they are now."
        way = f"\n\nFirst, on the machine of the browser:\n{forward}" if forward else ""
        answers = [("copy", "Copy"), ("close", "Close")]
        if can_open:
            answers.insert(1, ("open", "Open"))
        answer = await self._surface.ask_user(Confirm(title, f"{url}\n\n{use}{way}", answers))
        if answer == "copy":
            self._surface.post_message(CopyRequested(url, "Address"))
        elif answer == "open":
            await self._open(url)

    async def _open_page(self, request: OpenPage) -> PageAddress:
        """The address; of a document that is too long, the page shows the runs alone.
        CodeexecError."""
        try:
            return await self._state.host.call(request)
        except UsageError as error:
            if request.lesson is None:
                raise
            self._surface.show_error(error)
        return await self._state.host.call(replace(request, lesson=None))

    def _read_shown(self, front: FrontCells | None) -> PageLesson | None:
        """What the page shows around the runs: the lesson that is being given, or the document in
        front. CodeexecError."""
        file = self._lesson_file()
        if not file and front is not None:
            from codeexec.documents.export.to_page import page_document  # not at the start

            return page_document(
                front.cells,
                front.document,
                front.title,
                front.folder,
                lambda cell: front.names.get(cell.index) or f"cell {cell.index}",
                lambda cell: front.attachments.get(cell.index, {}),
            )
        if not file:
            return None
        from codeexec.documents.lessons.files import open_lesson  # few sessions have one
        from codeexec.documents.lessons.to_page import page_lesson
        from codeexec.languages.catalog import running_language

        return page_lesson(open_lesson(Path(file), running_language)[1], file)

    async def _open(self, url: str) -> None:
        from codeexec.client.browser import open_in_browser

        try:
            await asyncio.to_thread(self._open_url or open_in_browser, url)
        except CodeexecError as error:
            self._surface.show_error(error)
        else:
            self._surface.notify("The session is shown in the browser.", timeout=5)

    def _refuses(self) -> bool:
        """Whether this workbench only watches; then it says so."""
        if self._state.options.watch:
            self._surface.show_error(refusal())
        return self._state.options.watch
